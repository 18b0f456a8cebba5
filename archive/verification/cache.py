"""Repeated questions come from the cache, and a writer never sees what was replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from altlas.kernel.verification import Load, Outcome, Probe, Series, Threshold, Verification, register
from altlas.kernel.verification.figures import quantile
from altlas.kernel.verification.sabotage import replaced
from archive.cache import generations
from archive.verification import shelf

_QUESTIONS = ({"limit": 50}, {"limit": 20, "ordering": "title"}, {"limit": 50, "tag": "kahve"}, {"limit": 10})


def run(probe: Probe) -> Outcome:
    wanted = probe.parameters
    with shelf.filled(probe, wanted["records"]) as told:
        before = shelf.cache_reads(told.door)
        first, again = _repeat(probe, told, wanted["reads"])
        after = shelf.cache_reads(told.door)
        stale = _write_and_read(probe, told, wanted["writes"])
    grown = {outcome: after[outcome] - before.get(outcome, 0.0) for outcome in after}
    reads = sum(grown.values())
    hits = sum(grown.get(outcome, 0.0) for outcome in ("hit", "wait"))
    return Outcome(
        metrics={
            "stale_answers": float(stale),
            "hit_rate": hits / reads if reads else float("nan"),
            "p50_miss_s": quantile(first, 0.5),
            "p50_hit_s": quantile(again, 0.5),
            "reads": reads,
            "writes": float(wanted["writes"]),
        },
        series=[
            Series(name="asked again", x="request", y="s", points=[(float(n), value) for n, value in enumerate(again)]),
            Series(
                name="asked for the first time",
                x="request",
                y="s",
                points=[(float(n), value) for n, value in enumerate(first)],
            ),
        ],
    )


def _repeat(probe: Probe, told: shelf.Shelf, times: int) -> tuple[list[float], list[float]]:
    first: list[float] = []
    again: list[float] = []
    for number in range(times):
        reply = told.page(**_QUESTIONS[number % len(_QUESTIONS)])
        if reply.ok:
            (first if number < len(_QUESTIONS) else again).append(reply.seconds)
        probe.progress(0.3 + 0.4 * number / times, "asking the same again")
    return first, again


def _write_and_read(probe: Probe, told: shelf.Shelf, times: int) -> int:
    """Return how often a list did not show what its reader had just written."""
    stale = 0
    for number in range(times):
        title = f"just written {number}"
        told.page(limit=5)  # so that there is something to become stale
        made = told.door.post(shelf.RECORDS, {"kind": "note", "title": title, "text": "new"})
        listed = told.page(limit=5)
        stale += not (made.ok and listed.ok and listed.body["results"][0]["title"] == title)
        changed = told.door.call("PATCH", f"{shelf.RECORDS}/{made.body['id']}", {"title": f"{title} again"})
        listed = told.page(limit=5)
        stale += not (changed.ok and listed.body["results"][0]["title"] == f"{title} again")
        probe.progress(0.7 + 0.3 * number / times, "writing and reading")
    return stale


@contextmanager
def sabotage() -> Iterator[None]:
    with replaced(generations, "_raise", lambda names: None):
        yield


CACHE = register(
    Verification(
        name="archive.cache",
        title="Repeated questions are answered from the cache, never with what was replaced",
        rows=("2.3.1", "2.3.3", "2.3.4", "2.3.5", "2.4.2"),
        parameters={
            Load.LOW: {"records": 500, "reads": 60, "writes": 8},
            Load.MID: {"records": 5_000, "reads": 400, "writes": 50},
            Load.HIGH: {"records": 10_000, "reads": 2_000, "writes": 200},
        },
        thresholds=(
            Threshold(metric="stale_answers", sign="<=", limit=0),
            # Others read meanwhile; alone it is (reads - questions) / reads.
            Threshold(metric="hit_rate", sign=">=", limit=0.8),
        ),
        run=run,
        sabotage=sabotage,
        fault="writes do not make cached answers stale",
    )
)
