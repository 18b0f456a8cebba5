"""When a runner collects cycles and gives memory back: at set points, never in the middle of a request.

Freezing takes what was loaded out of the collector's sight; after that a collection looks at the requests' own objects
only, and the collector does not run by itself (docs/decisions/0034).
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.runner.memory import trim


@dataclass(kw_only=True)
class Housekeeping:
    """``passes`` between collections under load; ``idle_seconds`` without work, after which memory goes back;
    at least ``trim_seconds`` between two returns.

    Under load memory goes back with a collection, too: otherwise pages that were given back once come back a few at a
    time, which looks like growth (decision 0034).
    """

    passes: int = 512
    idle_seconds: float = 1.0
    trim_seconds: float = 30.0
    clock: Callable[[], float] = time.monotonic
    _since_collect: int = field(default=0, init=False)
    _dirty: bool = field(default=False, init=False)
    _trimmed_at: float = field(default=float("-inf"), init=False)

    def loaded(self) -> None:
        """The model is in memory: it stays, so the collector need not look at it again."""
        trim()
        gc.freeze()
        gc.disable()

    def passed(self) -> None:
        """A forward pass is over."""
        self._dirty = True
        self._since_collect += 1
        if self._since_collect >= self.passes:
            self._since_collect = 0
            if self.clock() - self._trimmed_at >= self.trim_seconds:
                self._give_back()
            else:
                gc.collect()

    def wait(self) -> float | None:
        """Return after how many idle seconds ``idle`` has something to do; None when it has nothing to do."""
        if not self._dirty:
            return None
        return max(self.idle_seconds, self._trimmed_at + self.trim_seconds - self.clock())

    def idle(self) -> None:
        """Nothing has come for a while: now nobody waits for the collector or the allocator."""
        self._dirty = False
        self._since_collect = 0
        self._give_back()

    def _give_back(self) -> None:
        self._trimmed_at = self.clock()
        trim()
