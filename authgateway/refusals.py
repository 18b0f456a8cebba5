"""Refused access tokens: counted always, recorded rarely.

Anyone can send us forged tokens at no cost; a row for each would hand them the disk. Counts gather in memory and
reach the table when the first of their kind comes, and then at most every few seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from altlas.kernel.clock import monotonic

_EVERY = 5.0
_MOST_KEYS = 64
_ELSEWHERE = "elsewhere"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """One kind of refusal from one network."""

    reason: str
    network: str


@dataclass(slots=True)
class _Tally:
    count: int = 0
    written_at: float | None = None


@dataclass(slots=True)
class RefusalBuffer:
    """Gathers refusals; ``note`` returns how many of them to write now, 0 for none yet."""

    clock: Callable[[], float] = monotonic
    _tallies: dict[Refusal, _Tally] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, refusal: Refusal) -> tuple[Refusal, int]:
        """Count ``refusal``; networks beyond the bound are counted together as ``elsewhere``."""
        moment = self.clock()
        with self._lock:
            if refusal not in self._tallies and len(self._tallies) >= _MOST_KEYS:
                self._forget_old(moment)
                if len(self._tallies) >= _MOST_KEYS:
                    refusal = Refusal(reason=refusal.reason, network=_ELSEWHERE)
            tally = self._tallies.setdefault(refusal, _Tally())
            tally.count += 1
            if tally.written_at is not None and moment - tally.written_at < _EVERY:
                return refusal, 0
            count, tally.count, tally.written_at = tally.count, 0, moment
            return refusal, count

    def _forget_old(self, moment: float) -> None:
        for key in [key for key, tally in self._tallies.items() if moment - (tally.written_at or 0) >= _EVERY]:
            if self._tallies[key].count == 0:
                del self._tallies[key]


buffer = RefusalBuffer()
