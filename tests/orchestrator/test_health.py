"""The watch over processes: what is ended is ended once."""

from __future__ import annotations

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


def test_a_process_that_takes_its_time_to_die_is_recorded_once() -> None:
    records: list[str] = []
    runner: Any = Dying()
    shell: Any = None  # nothing is measured here
    process = Process(pinged_at=1.0, measured_at=100.0)
    health = Health(
        HealthLimits(hang_seconds=5.0),
        core=shell,
        memory_limit=lambda _spec: 0,
        record=lambda kind, *_more: records.append(kind),
        grown=lambda *_more: None,
    )
    replica = Replica(id=1, spec=echo(), priority=0, queued_at=0.0)
    for now in (10.0, 10.5, 11.0):
        health.look(replica, process, runner, now=now)
    assert records == ["hang"] and runner.ordered == ["hang"]
