"""What do strict tokens cost against stock simplejwt with its blacklist app, and what do attacks get from either?

Both run in this one process on the same database, the same RSA-3072 keys and the same user model, in turns, so that
whatever else the machine does hits both alike. "verify" is authentication of one request, without the rest of HTTP.

    python -m benchmarks.auth [--write docs/reports/api-089.json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".altlas" / "bench-auth"
VERIFY_ROUNDS = 1000
REFRESH_ROUNDS = 100
SECONDS = 6.0
CLIENTS = 4


def measured() -> dict[str, Any]:
    from benchmarks.auth_stock.attacks import OURS, STOCK, compare
    from benchmarks.machine import describe

    doors = {"stock": STOCK, "ours": OURS}
    return {
        "verify": verify(doors),
        "refresh": refreshes(doors),
        "rate": {name: rate(door) for name, door in doors.items()},
        "statements": {name: statements(door) for name, door in doors.items()},
        "attacks": compare(),
        "machine": describe(),
    }


def quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50_ms": round(statistics.median(ordered) * 1000, 3),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 3),
    }


def authenticators(doors: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return per gateway a function that authenticates one request with a live access token."""
    from rest_framework.request import Request
    from rest_framework.test import APIRequestFactory
    from rest_framework_simplejwt.authentication import JWTAuthentication

    from authgateway.authentication import AccessTokenAuthentication
    from benchmarks.auth_stock.attacks import fresh

    found: dict[str, Callable[[], Any]] = {}
    for name, classes in {"stock": JWTAuthentication, "ours": AccessTokenAuthentication}.items():
        _, pair = fresh(doors[name])
        authenticator = classes()
        http = APIRequestFactory().get("/", headers={"Authorization": f"Bearer {pair['access']}"})

        def ask(authenticator: Any = authenticator, http: Any = http) -> Any:
            answer = authenticator.authenticate(Request(http))
            assert answer is not None
            return answer

        found[name] = ask
    return found


def verify(doors: dict[str, Any]) -> dict[str, dict[str, float]]:
    asks = authenticators(doors)
    times: dict[str, list[float]] = {name: [] for name in asks}
    for number in range(VERIFY_ROUNDS + 100):
        for name, ask in asks.items():
            begun = time.perf_counter()
            ask()
            if number >= 100:
                times[name].append(time.perf_counter() - begun)
    return {name: quantiles(values) for name, values in times.items()}


def refreshes(doors: dict[str, Any]) -> dict[str, dict[str, float]]:
    from benchmarks.auth_stock.attacks import fresh, refresh

    tokens = {name: fresh(door)[1]["refresh"] for name, door in doors.items()}
    times: dict[str, list[float]] = {name: [] for name in doors}
    for number in range(REFRESH_ROUNDS + 10):
        for name, door in doors.items():
            begun = time.perf_counter()
            answer = refresh(door, tokens[name])
            if number >= 10:
                times[name].append(time.perf_counter() - begun)
            tokens[name] = answer.json()["refresh"]
    return {name: quantiles(values) for name, values in times.items()}


def rate(door: Any) -> float:
    """Return refreshes per second over HTTP semantics, several sessions at once in one process."""
    from django.db import connection

    from benchmarks.auth_stock.attacks import fresh, refresh

    starts = [fresh(door)[1]["refresh"] for _ in range(CLIENTS)]
    until = time.perf_counter() + SECONDS
    counts = [0] * CLIENTS

    def work(number: int) -> None:
        token = starts[number]
        while time.perf_counter() < until:
            token = refresh(door, token).json()["refresh"]
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(sum(counts) / SECONDS, 1)


def statements(door: Any) -> dict[str, int]:
    """Return SQL statements per verify and per refresh, and how many of them between BEGIN and COMMIT."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from benchmarks.auth_stock.attacks import fresh, me, refresh

    _, pair = fresh(door)
    me(door, pair["access"])
    with CaptureQueriesContext(connection) as asked:
        me(door, pair["access"])
    with CaptureQueriesContext(connection) as rotated:
        refresh(door, pair["refresh"])
    log = [query["sql"] for query in rotated.captured_queries]
    inside = log[log.index("BEGIN") + 1 : log.index("COMMIT")] if "BEGIN" in log else []
    plain = [sql for sql in log if sql not in {"BEGIN", "COMMIT"}]
    return {"verify": len(asked.captured_queries), "refresh": len(plain), "in_transaction": len(inside)}


def shown(found: dict[str, Any]) -> str:
    from benchmarks.machine import table

    stock, ours = "stock", "ours"
    rows: list[list[object]] = []
    for what in ("verify", "refresh"):
        for key in ("p50_ms", "p99_ms"):
            left, right = found[what][stock][key], found[what][ours][key]
            rows.append([f"{what} {key.replace('_', ' ')}", left, right, f"{right / left:.2f}"])
    left, right = found["rate"][stock], found["rate"][ours]
    rows.append([f"refreshes per second, {CLIENTS} sessions", left, right, f"{right / left:.2f}"])
    for key, text in {
        "verify": "SQL statements per verified request",
        "refresh": "SQL statements per refresh",
        "in_transaction": "of them between BEGIN and COMMIT",
    }.items():
        rows.append([text, found["statements"][stock][key], found["statements"][ours][key], ""])
    speed = table(["", "simplejwt 5.5.1 + blacklist", "authgateway", "ours / stock"], rows)
    attacks = table(
        ["row", "attack", "simplejwt 5.5.1 + blacklist", "authgateway"],
        [[item["row"], item["attack"], item["stock"], item["ours"]] for item in found["attacks"]],
    )
    return f"{speed}\n\n{attacks}\n\n{found['machine']}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", type=Path, help="also write the figures as JSON, for the report")
    options = parser.parse_args()
    shutil.rmtree(HOME, ignore_errors=True)
    os.environ.update({"ALTLAS_HOME": str(HOME), "DJANGO_SETTINGS_MODULE": "benchmarks.auth_stock.settings"})
    # A busy machine is not what is measured: no timeout of the product may cut a race short.
    os.environ.update({"ALTLAS_DENYLIST_TIMEOUT": "1", "ALTLAS_DB_LOCK_TIMEOUT_MS": "60000"})
    try:
        with ExitStack() as stack:
            from altlas.engines import conf
            from altlas.engines.hold import hold

            if conf.EMBEDS_POSTGRES or conf.EMBEDS_REDIS:
                stack.enter_context(hold(conf.HOME))
            import django

            django.setup()
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            found = measured()
            print(shown(found))
            if options.write:
                options.write.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            from django.db import connections

            connections.close_all()
    finally:
        shutil.rmtree(HOME, ignore_errors=True)


if __name__ == "__main__":
    main()
