"""A model's process dies in the middle of its work: only its own requests fail, and the next one is served.

Beside it, a version that cannot be loaded must not disturb the version that can.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from altlas.kernel.verification import Load, Outcome, Probe, Series, Threshold, Verification, register
from altlas.kernel.verification.door import Door, Reply
from orchestrator.supervisor.core import Core, Replica
from orchestrator.supervisor.supervisor import Supervisor
from orchestrator.verification import drill

_RECOVER_WITHIN = 10.0
_RETRY_SECONDS = 0.1
_ALLOWED = frozenset({"runner_crashed", "model_unavailable"})


def run(probe: Probe) -> Outcome:
    rounds = probe.parameters["rounds"]
    recovery: list[float] = []
    unexpected: list[str] = []
    with drill.opened(probe) as told:
        victim = told.register("victim", latency_seconds=0.02)
        bystander = told.register("bystander", latency_seconds=0.02)
        told.register("versions", version="1")
        told.register("versions", version="2", fail_load="permanent")
        for name in (victim, bystander):
            drill.ask(told.door, name, "warm")
        with _Stream(probe.url, told.door.token, bystander) as stream:
            for number in range(rounds):
                probe.progress(number / rounds, f"crash {number + 1} of {rounds}")
                crashed = drill.ask(told.door, victim, "!crash")
                if crashed.code not in _ALLOWED and _error_code(crashed) not in _ALLOWED:
                    unexpected.append(f"the crash was answered with {crashed.status} {_error_code(crashed)}")
                recovery.append(_recovered_after(probe, told.door, victim, number / rounds))
                if recovery[-1] > _RECOVER_WITHIN:
                    break  # it does not come back: nothing more is learned from killing it again
        good = drill.ask(told.door, f"{told.name('versions')}:1", "one")
        bad = drill.ask(told.door, f"{told.name('versions')}:2", "two")
        still = drill.ask(told.door, f"{told.name('versions')}:1", "one")
    mixed = [not drill.answers(good, "one"), bad.status != 422, not drill.answers(still, "one")]
    return Outcome(
        metrics={
            "bystander_failures": float(len(stream.failures)),
            "slowest_recovery_s": max(recovery),
            "unexpected_answers": float(len(unexpected)),
            "versions_mixed_up": float(sum(mixed)),
            "crashes": float(len(recovery)),
            "bystander_requests": float(stream.count),
        },
        series=[
            Series(
                name="recovery after a crash",
                x="crash",
                y="s",
                points=[(float(number + 1), value) for number, value in enumerate(recovery)],
            )
        ],
        notes=[*unexpected[:5], *sorted(set(stream.failures))[:5]],
    )


def _error_code(reply: Reply) -> str:
    error = reply.body.get("error") if isinstance(reply.body, dict) else None
    return str(error.get("code")) if isinstance(error, dict) else reply.code


def _recovered_after(probe: Probe, door: Door, model: str, share: float) -> float:
    """Return the seconds until ``model`` answers again; infinite when it does not."""
    begun = time.monotonic()
    while time.monotonic() - begun < _RECOVER_WITHIN:
        if drill.answers(drill.ask(door, model, "again"), "again"):
            return time.monotonic() - begun
        probe.progress(share)
        time.sleep(_RETRY_SECONDS)
    return 10 * _RECOVER_WITHIN  # JSON has no infinity


class _Stream:
    """One client that asks the bystander without a pause."""

    def __init__(self, url: str, token: str, model: str) -> None:
        self.failures: list[str] = []
        self.count = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(url, token, model), daemon=True)

    def __enter__(self) -> _Stream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _run(self, url: str, token: str, model: str) -> None:
        with Door(url, token) as door:
            while not self._over.is_set():
                reply = drill.ask(door, model, "calm")
                self.count += 1
                if not drill.answers(reply, "calm"):
                    self.failures.append(f"bystander: {reply.status} {_error_code(reply)} {reply.error}")
                self._over.wait(0.02)


class _Blind(Core):
    """Does not notice that a process has died."""

    def lost(self, replica: Replica) -> None:
        return

    def exited(self, replica: Replica, *, cause: str, now: float) -> None:
        return


def _blind(*args: Any, **kwargs: Any) -> Supervisor:
    supervisor = Supervisor(*args, **kwargs)
    supervisor._core = _Blind(supervisor, supervisor.settings.core)
    return supervisor


@contextmanager
def sabotage() -> Iterator[None]:
    with drill.as_node(_blind):
        yield


CRASH = register(
    Verification(
        name="orchestrator.crash",
        title="A model process that dies takes its own requests along and nothing else",
        rows=("4.3.3",),
        parameters={Load.LOW: {"rounds": 3}, Load.MID: {"rounds": 10}, Load.HIGH: {"rounds": 40}},
        thresholds=(
            Threshold(metric="bystander_failures", sign="<=", limit=0),
            Threshold(metric="slowest_recovery_s", sign="<=", limit=_RECOVER_WITHIN, unit=" s"),
            Threshold(metric="unexpected_answers", sign="<=", limit=0),
            Threshold(metric="versions_mixed_up", sign="<=", limit=0),
        ),
        run=run,
        sabotage=sabotage,
        fault="a node that does not notice the death of a model's process",
    )
)
