"""Does the archive keep its word under load? Locust against a whole installation of its own.

Capacity is measured first, as fast as the users can go; then 30 % of it (normal), 80 % (high), and 300 % with the table
locked for five seconds and Redis killed (stress), and what comes after it. The result goes to docs/reports/data.

    python -m benchmarks.load.run [--seconds 30] [--records 20000]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import redis

from benchmarks.archive_lab.home import ROOT
from benchmarks.archive_lab.measure import quantile
from benchmarks.machine import describe, table
from tests.support.stack import Stack, running

HOME = ROOT / ".altlas" / "load"
RESULT = ROOT / "docs" / "reports" / "data" / "arc-037-load.json"
OWNERS = 8
# Deadlines that a user would notice; the same that the servers are started with.
DEADLINES = {"list": 2.0, "detail": 2.0, "stats": 2.0, "search": 3.0, "create": 3.0}
GRACE = 0.25
SETTINGS = {
    "ALTLAS_ARCHIVE_LIST_TIMEOUT": "1.5",
    "ALTLAS_ARCHIVE_COUNT_TIMEOUT": "1",
    "ALTLAS_ARCHIVE_STATS_TIMEOUT": "1.5",
    "ALTLAS_ARCHIVE_SEARCH_TIMEOUT": "2",
    "ALTLAS_ARCHIVE_WRITE_TIMEOUT": "2",
    "ALTLAS_ARCHIVE_LOCK_TIMEOUT": "1",
    "ALTLAS_DB_POOL_TIMEOUT": "0.5",
    "ALTLAS_REDIS_TIMEOUT": "0.2",
}
_OWNER = """
from authgateway.testing import bearer, make_user
from tests.archive.scenario import records
import sys
text = "Kurul kararı bir sonraki oturuma bıraktı. The committee postponed its decision on the harbour. " * 8
for number in range({owners}):
    user = make_user(username=f"load{{number}}", password=None)
    records(user.pk, {each}, seed=number, ties=500, status="active", text=text)
    sys.stdout.write("TOKEN " + bearer(user)["Authorization"].split()[1] + "\\n")
"""


def tokens(stack: Stack, each: int) -> Path:
    """Store records for some owners and return the file of their tokens."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity=0", "-c", _OWNER.format(owners=OWNERS, each=each)],
        cwd=ROOT, env=dict(stack.environment), capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = [line.removeprefix("TOKEN ") for line in done.stdout.splitlines() if line.startswith("TOKEN ")]
    assert len(found) == OWNERS, done.stdout + done.stderr
    path = HOME.with_name("load-tokens")
    path.write_text("\n".join(found))
    return path


def phase(stack: Stack, given: Path, *, users: int, rate: float, seconds: float) -> list[dict[str, Any]]:
    answers = HOME.with_name("load-answers")
    subprocess.run(
        [
            sys.executable, "-m", "locust", "--locustfile", "benchmarks/load/scenario.py", "--headless",
            "--only-summary", "--host", stack.url, "--users", str(users), "--spawn-rate", str(users),
            "--run-time", f"{seconds:.0f}s", "--stop-timeout", "10", "--loglevel", "ERROR",
        ],
        cwd=ROOT, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**stack.environment, "LOAD_TOKENS": str(given), "LOAD_RATE": str(rate / users if rate else 0),
             "LOAD_ANSWERS": str(answers)},
    )  # fmt: skip
    return [json.loads(line) for line in answers.read_text().splitlines()]


def faults(stack: Stack, told: list[str], *, begin: float) -> None:
    """A third into the phase the table is locked for five seconds; two thirds in, Redis is killed."""
    from altlas.engines.layout import Home

    home = Home(stack.home)
    time.sleep(begin)
    with psycopg.connect(home.database_url) as locker:
        locker.execute("LOCK TABLE archive_record IN ACCESS EXCLUSIVE MODE")
        told.append(f"locked at {time.time():.1f}")
        time.sleep(5)
    time.sleep(begin)
    with redis.Redis.from_url(home.redis_url) as victim:
        pid = int(victim.info("server")["process_id"])
    import os
    import signal

    os.kill(pid, signal.SIGKILL)
    told.append(f"Redis killed at {time.time():.1f}")


def judged(name: str, answers: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    times = [row["ms"] for row in answers]
    late = [row for row in answers if row["ms"] / 1000 > DEADLINES[row["name"]] + GRACE]
    good = [row["ms"] for row in answers if row["status"] in (200, 201)]
    return {
        "phase": name,
        "requests": len(answers),
        "per_second": len(answers) / seconds,
        "good_per_second": len(good) / seconds,
        "statuses": dict(Counter(str(row["status"]) for row in answers)),
        "errors": Counter(row["error"] for row in answers if "error" in row).most_common(3),
        "told": Counter(_detail(row["told"]) for row in answers if "told" in row).most_common(),
        "p50_ms": quantile(times, 0.5) if times else 0,
        "p95_ms": quantile(times, 0.95) if times else 0,
        "worst_ms": max(times, default=0),
        "late": len(late),
        "latest": sorted(late, key=lambda row: -row["ms"])[:3],
        "status_500": sum(row["status"] == 500 for row in answers),
        "other_refusals": sum(row["status"] not in (200, 201, 503, 504) for row in answers),
    }


def _detail(body: str) -> str:
    try:
        return str(json.loads(body).get("detail", ""))
    except ValueError:
        return body[:100]


def recovered(answers: list[dict[str, Any]], begun: float, usual_p95: float) -> float | None:
    """Return after how many seconds a whole second of answers was good and as quick as usual; None if never."""
    by_second: dict[int, list[dict[str, Any]]] = {}
    for row in answers:
        by_second.setdefault(int(row["at"] - begun), []).append(row)
    for second in sorted(by_second):
        rows = by_second[second]
        times = [row["ms"] for row in rows]
        if all(row["status"] in (200, 201) for row in rows) and quantile(times, 0.95) <= max(usual_p95 * 2, 100):
            return float(second + 1)
    return None


def measure(seconds: float, each: int) -> dict[str, Any]:
    with running(HOME, within=240, **SETTINGS) as stack:
        given = tokens(stack, each)
        phase(stack, given, users=16, rate=0, seconds=5)  # warm
        found = phase(stack, given, users=16, rate=0, seconds=max(10, seconds / 3))
        capacity = len(found) / max(10, seconds / 3)
        phases = [judged("capacity", found, max(10, seconds / 3))]
        for name, share in (("normal", 0.3), ("high", 0.8)):
            found = phase(stack, given, users=24, rate=capacity * share, seconds=seconds)
            phases.append(judged(name, found, seconds))
            print(f"{name}: {phases[-1]['statuses']}", flush=True)
        told: list[str] = []
        long = max(seconds, 20)
        fault = threading.Thread(target=faults, args=(stack, told), kwargs={"begin": (long - 5) / 3})
        fault.start()
        found = phase(stack, given, users=100, rate=capacity * 3, seconds=long)
        fault.join()
        phases.append(judged("stress", found, long))
        print(f"stress: {phases[-1]['statuses']}", flush=True)
        begun = time.time()
        found = phase(stack, given, users=24, rate=capacity * 0.3, seconds=15)
        begun = max(begun, min((row["at"] for row in found), default=begun))
        phases.append(judged("afterwards", found, 15))
        return {
            "capacity_per_second": capacity,
            "deadlines": DEADLINES,
            "settings": SETTINGS,
            "phases": phases,
            "faults": told,
            "back_to_normal_seconds": recovered(found, begun, phases[1]["p95_ms"]),
            "machine": describe(),
        }


def show(found: dict[str, Any]) -> str:
    rows = [
        (row["phase"], row["requests"], f"{row['per_second']:.0f}", row["statuses"], f"{row['p50_ms']:.0f}",
         f"{row['p95_ms']:.0f}", f"{row['worst_ms']:.0f}", row["late"])
        for row in found["phases"]
    ]  # fmt: skip
    return table(("phase", "requests", "a second", "statuses", "p50 ms", "p95 ms", "worst ms", "late"), rows)


def command() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--records", type=int, default=20_000, help="Of each of the eight owners together.")
    options = parser.parse_args()
    shutil.rmtree(HOME, ignore_errors=True)
    try:
        found = measure(options.seconds, options.records // OWNERS)
    finally:
        shutil.rmtree(HOME, ignore_errors=True)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"\n{show(found)}\n\nback to normal after {found['back_to_normal_seconds']} s; {found['machine']}")
    under = found["phases"][1:]
    # Without overload nothing may be refused; with it, only by 503 and 504.
    refused = sum(
        row["statuses"].get(status, 0) for row in under if row["phase"] != "stress" for status in ("503", "504")
    )
    kept = (
        refused == 0
        and not any(row["status_500"] or row["late"] or row["other_refusals"] for row in under)
        and found["back_to_normal_seconds"] is not None
        and found["back_to_normal_seconds"] <= 10
    )
    print("every promise was kept" if kept else "NOT every promise was kept")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(command())
