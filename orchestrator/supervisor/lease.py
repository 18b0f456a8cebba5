"""A lease: the right to use a loaded model. While it lasts, the model is not unloaded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.exceptions import InferenceFailed
from orchestrator.supervisor.core import Replica
from orchestrator.supervisor.runner import RunnerProcess


@dataclass(eq=False, kw_only=True, slots=True)
class Lease:
    replica: Replica
    runner: RunnerProcess
    released: Callable[[], None]
    hit: bool
    _over: bool = field(default=False, init=False)

    def infer(
        self, inputs: Sequence[Any], *, params: Mapping[str, Any] | None = None, timeout: float
    ) -> dict[str, Any]:
        """Return the runner's answer; errors as by ``RunnerProcess.infer``."""
        try:
            answer = self.runner.infer(inputs, params=dict(params or {}), timeout=timeout)
        except InferenceFailed:
            self.replica.gate.answered = True  # no to this request; the process is well
            raise
        self.replica.gate.answered = True
        return answer

    def release(self) -> None:
        """Give it back; a second call does nothing."""
        if not self._over:
            self._over = True
            self.replica.gate.leave(now=time.monotonic())
            self.released()
