"""Whether a node's processes live, get on, and keep to their memory: looked at by the owner loop, which never waits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.supervisor.core import Core
from orchestrator.supervisor.replica import Replica
from orchestrator.supervisor.runner import RunnerProcess
from orchestrator.supervisor.spec import Key, VersionSpec
from orchestrator.supervisor.view import Process

MEMORY_EVERY = 1.0
_WORTH_TELLING = 1.05


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthLimits:
    """How often a process is asked for a sign of life, and after how many seconds without one, or in one batch, it is
    ended."""

    ping_seconds: float = 10.0
    hang_seconds: float = 60.0
    stuck_seconds: float = 300.0


class Health:
    def __init__(
        self,
        limits: HealthLimits,
        *,
        core: Core,
        memory_limit: Callable[[VersionSpec], int],
        record: Callable[[str, Key, str, Mapping[str, Any], Mapping[str, Any]], None],
        grown: Callable[[VersionSpec, int], None],
    ) -> None:
        self._limits = limits
        self._core = core
        self._memory_limit = memory_limit
        self._record = record
        self._grown = grown

    def look(self, replica: Replica, process: Process, runner: RunnerProcess, *, now: float) -> None:
        """End a process that hangs or takes too much; tell the core, and once the catalogue, what it holds."""
        if runner.killed:  # its end is on the way, and told
            return
        self._look_for_life(replica, process, runner, now)
        if now - process.measured_at >= MEMORY_EVERY:  # the kernel walks all its pages for it
            process.measured_at = now
            self._look_at_memory(replica, process, runner)

    def _look_for_life(self, replica: Replica, process: Process, runner: RunnerProcess, now: float) -> None:
        limits = self._limits
        asked = process.pinged_at > runner.last_sign
        if asked and now - process.pinged_at > limits.hang_seconds:
            self._hangs(replica, runner, now)
        elif not asked and runner.busy_seconds > limits.stuck_seconds:
            self._record("hang", replica.spec.key, "stuck_in_one_batch", {"seconds": runner.busy_seconds}, {})
            runner.kill("hang")
        elif not asked and now - runner.last_sign > min(limits.ping_seconds, limits.hang_seconds):
            if runner.ping():
                process.pinged_at = now
            elif now - runner.deaf_since > limits.hang_seconds:
                self._hangs(replica, runner, now)

    def _hangs(self, replica: Replica, runner: RunnerProcess, now: float) -> None:
        # Dead is seen at once by the closed socket; this one lives and does not answer, or takes no question.
        self._record("hang", replica.spec.key, "no_sign_of_life", {"seconds": now - runner.last_sign}, {})
        runner.kill("hang")

    def _look_at_memory(self, replica: Replica, process: Process, runner: RunnerProcess) -> None:
        measured = process.measure()
        if not measured:
            return
        self._core.remeasured(replica, measured=measured)
        if measured > max(replica.spec.expected_bytes, process.told) * _WORTH_TELLING:
            # Its first load saw less than it needs once every shape has run: the next reservation should know.
            process.told = measured
            self._grown(replica.spec, measured)
        limit = self._memory_limit(replica.spec)
        if limit and measured > limit:
            seen = {"rule": "memory_limit", "bytes": measured, "limit": limit}
            self._record("unload", replica.spec.key, "memory_limit", seen, {"ended": True})
            runner.kill("memory_limit")
