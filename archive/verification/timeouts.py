"""Many readers and writers at once: no request times out, none fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from altlas.kernel.verification import Load, Outcome, Probe, Series, Threshold, Verification, register
from altlas.kernel.verification.door import Door, Reply, crowd
from altlas.kernel.verification.figures import quantile
from altlas.kernel.verification.sabotage import replaced
from archive.conf import conf
from archive.verification import shelf

_RETRIES, _LONGEST_PAUSE = 3, 5.0
_ORDERS = ("-created_at", "title", "-success_rate,created_at", "kind,-created_at")


def run(probe: Probe) -> Outcome:
    wanted = probe.parameters
    seconds: list[float] = []
    failed: list[str] = []
    refused: list[int] = []
    timeouts = 0
    with shelf.filled(probe, wanted["records"]) as told:
        total = wanted["requests"]
        for done, (_, reply) in enumerate(
            crowd(
                threads=wanted["threads"],
                times=total,
                work=lambda door, number: _patient(door, number, told, refused),
                url=probe.url,
                token=told.door.token,
            ),
            start=1,
        ):
            seconds.append(reply.seconds)
            timeouts += reply.status in (0, 504)
            if not reply.ok:
                failed.append(f"{reply.status} {reply.code or reply.error}")
            probe.progress(0.3 + 0.7 * done / total, f"{done} of {total} requests")
    return Outcome(
        metrics={
            "timeouts": float(timeouts),
            "failed_requests": float(len(failed)),
            "refused_share": len(refused) / len(seconds),
            "slowest_s": max(seconds),
            "p99_s": quantile(seconds, 0.99),
            "requests": float(len(seconds)),
        },
        series=[
            Series(
                name="seconds to answer, sorted",
                x="% of requests",
                y="s",
                points=[(float(share), quantile(seconds, share / 100)) for share in range(0, 101, 2)],
            )
        ],
        notes=sorted(set(failed))[:10],
    )


def _patient(door: Door, number: int, told: shelf.Shelf, refused: list[int]) -> Reply:
    """Ask, and again when told to: under stress the server refuses at once (503, Retry-After) and does not queue."""
    reply = _ask(door, number, told)
    for _ in range(_RETRIES):
        if reply.status != 503 or "retry-after" not in reply.headers:
            break
        refused.append(number)
        time.sleep(min(_LONGEST_PAUSE, float(reply.headers["retry-after"])))
        reply = _ask(door, number, told)
    return reply


def _ask(door: Door, number: int, told: shelf.Shelf) -> Reply:
    kind = number % 8
    if kind == 0:
        return door.post(shelf.RECORDS, {"kind": "note", "title": f"written {number}", "text": "under load"})
    if kind == 1:
        return door.get("/api/v1/archive/search", q="kahve -harvest", mode="text", limit=20)
    if kind == 2:
        return door.get("/api/v1/archive/stats")
    if kind == 3:
        return door.get(f"{shelf.RECORDS}/{told.ids[number * 7919 % len(told.ids)]}")
    if kind == 4:
        return door.get(shelf.RECORDS, limit=100, tag="maraton", count="exact")
    return door.get(shelf.RECORDS, limit=50, ordering=_ORDERS[number % len(_ORDERS)], success_min=number % 4 / 4)


@contextmanager
def sabotage() -> Iterator[None]:
    # No query is done in no time: PostgreSQL ends every one that reads.
    with replaced(conf, "list_timeout", 0.0):
        yield


TIMEOUTS = register(
    Verification(
        name="archive.timeouts",
        title="No request times out, under normal, high and stress load",
        rows=("2.4.3", "2.4.4"),
        parameters={
            Load.LOW: {"records": 1_000, "requests": 120, "threads": 4},
            Load.MID: {"records": 5_000, "requests": 1_000, "threads": 12},
            Load.HIGH: {"records": 10_000, "requests": 3_000, "threads": 32},
        },
        thresholds=(
            Threshold(metric="timeouts", sign="<=", limit=0),
            Threshold(metric="failed_requests", sign="<=", limit=0),
            # The first answer; asked again, everybody was served.
            Threshold(metric="refused_share", sign="<=", limit=0.05),
            Threshold(metric="slowest_s", sign="<=", limit=10.0, unit=" s"),
        ),
        run=run,
        sabotage=sabotage,
        fault="lists are given no time",
        full=(Load.LOW, Load.MID, Load.HIGH),
    )
)
