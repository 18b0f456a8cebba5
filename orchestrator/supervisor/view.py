"""What others see of a supervisor: the shape of one node in ``GET /api/v1/cache``."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from orchestrator.supervisor import memory
from orchestrator.supervisor.backoff import Failure
from orchestrator.supervisor.policy import Limits
from orchestrator.supervisor.replica import Replica
from orchestrator.supervisor.runner import Loaded, RunnerProcess
from orchestrator.supervisor.spec import Key
from orchestrator.supervisor.states import CHARGED


@dataclass(eq=False, kw_only=True, slots=True)
class Process:
    """What the loop knows of a replica's process."""

    runner: RunnerProcess | None = None
    loaded: Loaded | None = None
    held: dict[str, int] = field(default_factory=dict)
    pinged_at: float = 0.0
    measured_at: float = 0.0
    cancelled: bool = False
    cold_seconds: float | None = None
    told: int = 0  # the bytes that the catalogue was told of
    settled: threading.Event = field(default_factory=threading.Event)  # there is a process, or there will be none

    def measure(self) -> int:
        """Return the bytes charged for it: its private memory and the weights it maps from disk; 0 when it is gone."""
        held = memory.held(self.runner.pid) if self.runner is not None else {}
        if not held or self.loaded is None:
            return 0
        self.held = held
        return held["dirty"] + self.loaded.mapped_bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """The loop's view for other threads: replaced, never changed; leases are read from the gates when asked."""

    replicas: tuple[tuple[Replica, Process], ...] = ()
    failures: tuple[tuple[Key, Failure], ...] = ()
    waiting: int = 0
    shedding: bool = False


def describe(shown: Shown, limits: Limits) -> dict[str, Any]:
    now, wall = time.monotonic(), time.time()
    return {
        "budget_bytes": limits.budget,
        "used_bytes": sum(replica.charged for replica, _ in shown.replicas if replica.state in CHARGED),
        "high_watermark": limits.high,
        "low_watermark": limits.low,
        "waiting": shown.waiting,
        "shedding": shown.shedding,
        "replicas": [_replica(*pair, now=now, wall=wall) for pair in shown.replicas],
        "failures": [
            {
                "model": key.model,
                "version": key.version,
                "code": failure.code,
                "detail": failure.detail,
                "attempts": failure.attempts,
                "retry_after": failure.retry_after(now),
            }
            for key, failure in shown.failures
            if failure.blocks(now)
        ],
    }


def _replica(replica: Replica, process: Process, *, now: float, wall: float) -> dict[str, Any]:
    return {
        "id": replica.id,
        "model": replica.spec.key.model,
        "version": replica.spec.key.version,
        "task": replica.spec.task,
        "runtime": replica.spec.runtime,
        "state": replica.state.value,
        "bytes": replica.charged,
        "uss": process.held.get("uss", 0),
        "pss": process.held.get("pss", 0),
        "memory": process.runner.memory if process.runner else {},
        "leases": replica.gate.leases,
        "uses": replica.gate.uses,
        "in_flight": process.runner.in_flight if process.runner else 0,
        "pinned": replica.pinned,
        "pid": process.runner.pid if process.runner else None,
        "last_used": wall - (now - replica.gate.last_used) if replica.gate.last_used else None,
        "age_seconds": None if replica.ready_at is None else now - replica.ready_at,
        "load_seconds": process.cold_seconds,
        "reason": replica.reason,
    }
