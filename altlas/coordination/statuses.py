"""Statuses of coordination and the changes they may go through; triggers in the database repeat the tables."""

from __future__ import annotations

from enum import StrEnum


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"  # a threshold is broken
    INCONCLUSIVE = "inconclusive"  # the question could not be answered here
    CANCELLED = "cancelled"
    ERROR = "error"  # the run itself broke: a defect, a deadline, a worker that ended


class ItemStatus(StrEnum):
    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    VERIFIED = "verified"
    FAILING = "failing"
    STALE = "stale"


class RiskState(StrEnum):
    OPEN = "open"
    MITIGATING = "mitigating"
    ACCEPTED = "accepted"
    RESOLVED = "resolved"


class RolloutState(StrEnum):
    PLANNED = "planned"
    RUNNING = "running"
    PAUSED = "paused"
    WATCHING = "watching"  # all steps done; the gates are verified again on a schedule
    DONE = "done"
    ROLLED_BACK = "rolled_back"


class StepState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    ROLLED_BACK = "rolled_back"


_ENDS = frozenset({RunStatus.PASSED, RunStatus.FAILED, RunStatus.INCONCLUSIVE, RunStatus.CANCELLED, RunStatus.ERROR})
ENDED = _ENDS
RED = frozenset({RunStatus.FAILED, RunStatus.ERROR})

RUN_TRANSITIONS: dict[str, frozenset[str]] = {
    RunStatus.QUEUED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.RUNNING: _ENDS,
    **{status: frozenset() for status in _ENDS},
}
RISK_TRANSITIONS: dict[str, frozenset[str]] = {
    RiskState.OPEN: frozenset({RiskState.MITIGATING, RiskState.ACCEPTED, RiskState.RESOLVED}),
    RiskState.MITIGATING: frozenset({RiskState.OPEN, RiskState.ACCEPTED, RiskState.RESOLVED}),
    RiskState.ACCEPTED: frozenset({RiskState.OPEN, RiskState.RESOLVED}),
    RiskState.RESOLVED: frozenset({RiskState.OPEN}),
}
ROLLOUT_TRANSITIONS: dict[str, frozenset[str]] = {
    RolloutState.PLANNED: frozenset({RolloutState.RUNNING}),
    RolloutState.RUNNING: frozenset({RolloutState.PAUSED, RolloutState.WATCHING, RolloutState.ROLLED_BACK}),
    RolloutState.PAUSED: frozenset({RolloutState.RUNNING, RolloutState.ROLLED_BACK}),
    RolloutState.WATCHING: frozenset({RolloutState.DONE, RolloutState.ROLLED_BACK}),
    RolloutState.DONE: frozenset({RolloutState.ROLLED_BACK}),
    RolloutState.ROLLED_BACK: frozenset(),
}
STEP_TRANSITIONS: dict[str, frozenset[str]] = {
    StepState.PENDING: frozenset({StepState.RUNNING}),
    StepState.RUNNING: frozenset({StepState.DONE, StepState.ROLLED_BACK}),
    StepState.DONE: frozenset({StepState.ROLLED_BACK}),
    StepState.ROLLED_BACK: frozenset(),
}
