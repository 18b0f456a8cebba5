"""``manage.py memory soak``: many requests through the whole path, and a verdict on every process."""

from __future__ import annotations

import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from altlas.memory.course import COUNTS, Course, Finding, Sample, find
from altlas.memory.installation import Installation
from altlas.memory.load import Load
from altlas.memory.observe import sampled
from altlas.memory.verdict import Answer, as_record

DAY_RATE: Final = 5.0  # requests per second that a day is made of: 432,000 in 24 hours
SAMPLES: Final = 400
_SHAPES_SECONDS: Final = 60.0
# What a process without a model tells.
_OUTSIDE: Final = ("anon", "threads", "descriptors")
_INSIDE: Final = ("anon", "heap_in_use", *COUNTS)
JUDGED: Final = ("runner", "worker", "web")


@dataclass(kw_only=True)
class Soak:
    """Samples by process; kept as they come, so that a run that is cut off can be judged."""

    requests: int
    model: str
    clients: int
    budget_bytes: float
    courses: dict[str, Course] = field(default_factory=lambda: defaultdict(Course))
    kinds: dict[str, str] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    restarted: list[str] = field(default_factory=list)
    done: int = 0
    seconds: float = 0.0
    failed: int = 0

    def take(self, place: Installation, done: int) -> None:
        self.done = done
        for reading in place.readings():
            if reading.kind not in JUDGED:
                continue
            if self.pids.setdefault(reading.name, reading.pid) != reading.pid:
                # Another process under the same name: its memory cannot be compared with that of the one before.
                self.pids[reading.name] = reading.pid
                self.restarted.append(f"{reading.name} after {done} requests")
                self.courses[reading.name] = Course()
            self.kinds[reading.name] = reading.kind
            self.courses[reading.name].samples.append(sampled(reading, done))

    def findings(self) -> dict[str, Finding]:
        return {
            name: find(
                course, budget_bytes=self.budget_bytes, names=_INSIDE if self.kinds[name] == "runner" else _OUTSIDE
            )
            for name, course in sorted(self.courses.items())
        }

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON types: samples, verdicts, causes."""
        findings = self.findings()
        answers = {finding.answer for finding in findings.values()}
        answer = (
            Answer.LEAK if Answer.LEAK in answers
            else Answer.CLEAN if answers == {Answer.CLEAN} else Answer.INCONCLUSIVE
        )  # fmt: skip
        return {
            "kind": "soak",
            "model": self.model,
            "clients": self.clients,
            "asked": self.requests,
            "requests": self.done,
            "failed": self.failed,
            "seconds": round(self.seconds, 1),
            "budget_bytes": self.budget_bytes,
            "answer": answer.value,
            "restarted": self.restarted,
            "processes": {
                name: {
                    "kind": self.kinds[name],
                    "answer": finding.answer.value,
                    "cause": None if finding.cause is None else [finding.cause.name, finding.cause.evidence],
                    "warm_after": finding.warm_after,
                    "verdicts": {series: as_record(verdict) for series, verdict in finding.verdicts.items()},
                    "requests": [sample.requests for sample in self.courses[name].samples],
                    "series": _columns(self.courses[name].samples),
                }
                for name, finding in findings.items()
            },
        }


def soak(
    place: Installation,
    run: Soak,
    *,
    account: tuple[str, str],
    say: Callable[[str], Any],
    keep: Callable[[dict[str, Any]], Any],
) -> dict[str, Any]:
    """Send the requests; on Ctrl-C judge what there is. ``keep`` is given the record now and then and at the end."""
    load = Load(url=place.url, account=account, clients=run.clients, model=run.model, longest=6)
    _warm_up(place, load, run, say)
    every = max(1, run.requests // SAMPLES)
    begun = time.monotonic()

    def at(done: int) -> None:
        run.take(place, done)
        run.seconds = time.monotonic() - begun
        run.failed = load.failed
        if done % (every * 10) == 0:
            say(_progress(run))
            keep(run.record())

    with _stopping(load):
        load.run(run.requests, every=every, at=at)
    if run.done < run.requests // every * every:
        say(f"stopped after {run.done} of {run.requests} requests; what follows is about those")
    run.seconds, run.failed = time.monotonic() - begun, load.failed
    record = run.record()
    keep(record)
    return record


@contextmanager
def _stopping(load: Load) -> Iterator[None]:
    """Let Ctrl-C end the load between two requests; a second one ends the command.

    An exception raised wherever the signal comes may be swallowed (in a finalizer) or leave a record half-written.
    """

    def stop(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        load.stop()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _warm_up(place: Installation, load: Load, run: Soak, say: Callable[[str], Any]) -> None:
    """Send requests that are not judged, with a rest in which the runners finish running the shapes of their grids.

    The rest comes early: a runner without work gives memory back (decision 0034), which comes again with the next
    thousands of requests and is no growth. Free lists, arenas and caches fill ever more slowly as well.
    """
    requests = min(30_000, max(100, run.requests // 2))
    first = max(1, requests // 10)
    say(f"warming up with {requests} requests")
    load.run(first, every=first, at=lambda _done: None, seed=1)
    _run_shapes(place)
    load.run(requests - first, every=requests - first, at=lambda _done: None, seed=2)
    load.answers.clear()


def _run_shapes(place: Installation) -> None:
    end = time.monotonic() + _SHAPES_SECONDS
    while time.monotonic() < end:
        time.sleep(2.0)  # the node reads its runners in rounds
        if not any(found.told.get("shapes_left", 1) for found in place.readings() if found.kind == "runner"):
            return


def _progress(run: Soak) -> str:
    rate = run.done / max(run.seconds, 1e-9)
    left = (run.requests - run.done) / max(rate, 1e-9)
    held = ", ".join(
        f"{name} {course.samples[-1].values['anon'] / 2**20:.1f} MB"
        for name, course in sorted(run.courses.items())
        if course.samples
    )
    return f"{run.done}/{run.requests} requests, {rate:.1f}/s, {left / 60:.0f} min left; anonymous: {held}"


def _columns(samples: list[Sample]) -> dict[str, list[float]]:
    names = sorted({name for sample in samples for name in sample.values})
    return {name: [sample.values.get(name, 0.0) for sample in samples] for name in names}
