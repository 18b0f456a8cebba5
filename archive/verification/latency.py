"""How long lists, single records, searches and statistics take, first pages and deep ones in turns.

Among a hundred requests one moment at which the machine stands still is the slowest hundredth already: such a run goes
on, until the requests outweigh it. A server that is slow for one in a hundred stays so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from altlas.kernel.verification import Load, Outcome, Probe, Series, Threshold, Verification, register
from altlas.kernel.verification.door import Door, Reply, crowd
from altlas.kernel.verification.figures import ROUNDS, quantile
from altlas.kernel.verification.sabotage import replaced
from archive import database, selectors
from archive.verification import shelf

_PAGES_DOWN = 40
_SLOW_SECONDS = 1.0
_ROUTES = ("first page", "deep page", "record", "search", "statistics")
_P50_SECONDS, _P99_SECONDS = 0.5, 2.0


@dataclass
class Course:
    """What was seen on the way: seconds by route, and what failed."""

    taken: dict[str, list[float]] = field(default_factory=lambda: {route: [] for route in _ROUTES})
    failed: list[str] = field(default_factory=list)

    def take(self, route: str, reply: Reply) -> None:
        if reply.ok:
            self.taken[route].append(reply.seconds)
        else:
            self.failed.append(f"{route}: {reply.status} {reply.code or reply.error}")

    @property
    def everything(self) -> list[float]:
        return [seconds for values in self.taken.values() for seconds in values]

    @property
    def slowest_p50(self) -> float:
        return max(quantile(values, 0.5) for values in self.taken.values())

    @property
    def doubtful(self) -> bool:
        """Whether a few were slow while every route as such is quick."""
        return quantile(self.everything, 0.99) > _P99_SECONDS and self.slowest_p50 <= _P50_SECONDS


def run(probe: Probe) -> Outcome:
    wanted = probe.parameters
    with shelf.filled(probe, wanted["records"]) as told:
        deep = _deep_address(told, pages=2 if probe.sabotaged else _PAGES_DOWN)
        course = Course()
        # A drill needs no statistics: what is broken is broken for every request.
        count = 40 if probe.sabotaged else wanted["requests"]
        for number in range(ROUNDS):
            if number and not course.doubtful:
                break
            _measure(probe, told, course, deep=deep, first=number * count, count=count)
    taken, everything = course.taken, course.everything
    first, down = taken["first page"], taken["deep page"]
    return Outcome(
        metrics={
            "slowest_route_p50_s": course.slowest_p50,
            "p50_s": quantile(everything, 0.5),
            "p99_s": quantile(everything, 0.99),
            "deep_to_first": median(down) / median(first) if first and down else float("nan"),
            "failed_requests": float(len(course.failed)),
            **{f"p50 {route} s": quantile(values, 0.5) for route, values in taken.items()},
        },
        series=[
            Series(
                name=route,
                x="request",
                y="s",
                points=[(float(index), value) for index, value in enumerate(values)],
            )
            for route, values in taken.items()
        ],
        notes=sorted(set(course.failed))[:10],
    )


def _measure(probe: Probe, told: shelf.Shelf, course: Course, *, deep: str, first: int, count: int) -> None:
    """Send ``count`` requests, numbered from ``first`` on so that none was sent before."""

    def work(door: Door, number: int) -> Reply:
        return _ask(door, first + number, told=told, deep=deep)

    total = first + count
    answers = crowd(threads=probe.parameters["threads"], times=count, work=work, url=probe.url, token=told.door.token)
    for done, (number, reply) in enumerate(answers, start=first + 1):
        course.take(_ROUTES[(first + number) % len(_ROUTES)], reply)
        probe.progress(0.3 + 0.7 * done / total, f"{done} of {total} requests")


def _ask(door: Door, number: int, *, told: shelf.Shelf, deep: str) -> Reply:
    route = _ROUTES[number % len(_ROUTES)]
    page = shelf.Shelf(door=door, account=told.account, ids=told.ids)
    # An address that nobody has asked for before: the query is what is measured here, not the cache.
    fresh = f"2100-01-01T00:00:00.{number:06d}Z"
    if route == "first page":
        return page.page(limit=50, created_before=fresh)
    if route == "deep page":
        return page.page(deep)
    if route == "record":
        return door.get(f"{shelf.RECORDS}/{told.ids[number % len(told.ids)]}")
    if route == "search":
        return door.get("/api/v1/archive/search", q="lighthouse", mode="text", limit=20, created_before=fresh)
    return door.get("/api/v1/archive/stats")


def _deep_address(told: shelf.Shelf, *, pages: int) -> str:
    address = ""
    for _ in range(pages):
        reply = told.page(address, **({} if address else {"limit": 50, "created_before": "2099-01-01T00:00:00Z"}))
        following = reply.body.get("next") if reply.ok else None
        if not following:
            break
        address = following
    return address


def _slow(*args: Any, **kwargs: Any) -> Any:
    database.fetch("SELECT pg_sleep(%s)", [_SLOW_SECONDS])
    return database.fetch(*args, **kwargs)


@contextmanager
def sabotage() -> Iterator[None]:
    with replaced(selectors, "fetch", _slow):
        yield


LATENCY = register(
    Verification(
        name="archive.latency",
        title="Lists, records, searches and statistics answer quickly, deep pages like first ones",
        rows=("2.2.3",),
        parameters={
            Load.LOW: {"records": 2_000, "requests": 100, "threads": 2},
            Load.MID: {"records": 10_000, "requests": 800, "threads": 4},
            Load.HIGH: {"records": 20_000, "requests": 3_000, "threads": 12},
        },
        thresholds=(
            Threshold(metric="slowest_route_p50_s", sign="<=", limit=_P50_SECONDS, unit=" s"),
            Threshold(metric="p99_s", sign="<=", limit=_P99_SECONDS, unit=" s"),
            Threshold(metric="deep_to_first", sign="<=", limit=4.0),
            Threshold(metric="failed_requests", sign="<=", limit=0),
        ),
        run=run,
        sabotage=sabotage,
        fault=f"every list and record waits {_SLOW_SECONDS} s in the database",
    )
)
