"""The watch over processes: what is ended is ended once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.supervisor.health import Health, HealthLimits
from orchestrator.supervisor.replica import Replica
from orchestrator.supervisor.view import Process
from tests.orchestrator.support import echo


class Dying:
    """A process whose end was ordered and takes its time."""

    last_sign = 0.0
    busy_seconds = 0.0

    def __init__(self) -> None:
        self.killed = False
        self.ordered: list[str] = []

    def kill(self, cause: str) -> None:
        self.killed = True
        self.ordered.append(cause)


class Deaf(Dying):
    """A process to which nothing can be written while it is ``deaf``."""

    def __init__(self) -> None:
        super().__init__()
        self.deaf, self.deaf_since, self.pings = True, 0.0, 0

    def ping(self) -> bool:
        self.pings += not self.deaf
        return not self.deaf


def watched(runner: Any, process: Process, times: Iterable[float]) -> list[str]:
    """Look at an otherwise silent process at these times; return what was recorded."""
    records: list[str] = []
    shell: Any = None  # nothing is measured here
    health = Health(
        HealthLimits(hang_seconds=5.0, ping_seconds=1.0),
        core=shell,
        memory_limit=lambda _spec: 0,
        record=lambda kind, *_more: records.append(kind),
        grown=lambda *_more: None,
    )
    replica = Replica(id=1, spec=echo(), priority=0, queued_at=0.0)
    for now in times:
        health.look(replica, process, runner, now=now)
    return records


def test_a_process_that_takes_its_time_to_die_is_recorded_once() -> None:
    runner, process = Dying(), Process(pinged_at=1.0, measured_at=100.0)
    assert watched(runner, process, (10.0, 10.5, 11.0)) == ["hang"] and runner.ordered == ["hang"]


def test_a_process_that_could_not_be_asked_for_a_sign_of_life_is_asked_again() -> None:
    runner, process = Deaf(), Process(measured_at=100.0)
    runner.deaf_since = 10.0
    assert watched(runner, process, (10.0, 11.0)) == [] and process.pinged_at == 0.0
    runner.deaf = False
    assert watched(runner, process, (12.0, 13.0)) == [] and (runner.pings, process.pinged_at) == (1, 12.0)
    runner.last_sign = 12.5
    assert watched(runner, process, (18.0,)) == [] and runner.pings == 2
    assert watched(runner, process, (22.0, 23.5)) == ["hang"]


def test_a_process_that_cannot_be_asked_for_long_hangs() -> None:
    runner, process = Deaf(), Process(measured_at=100.0)
    runner.deaf_since = 10.0
    assert watched(runner, process, (10.0, 14.0)) == []
    assert watched(runner, process, (15.5, 16.0)) == ["hang"] and runner.ordered == ["hang"]
