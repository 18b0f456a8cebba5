"""When shapes that have not been run yet are run: while nobody asks. Pure; times are of the monotonic clock.

A shape that is run keeps whoever asks meanwhile waiting until it is done. So one is begun when it has been quiet for as
long as it will take: a client that asks at intervals is then delayed, if at all, by less than it pauses. A stream that
never pauses for long has one run now and then, the cheapest; those that take long wait for a pause.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orchestrator.runner.shapes import PASS_TOKENS, Shape

FIRST_SECONDS: Final = 0.5  # the request that caused the load is on its way
QUIET_SECONDS: Final = 0.03
STREAM_SECONDS: Final = 2.0
STREAM_COST: Final = 0.05
_INSTANT: Final = 1e-6


class Warming:
    def __init__(self, shapes: Sequence[Shape], *, now: float) -> None:
        """``shapes`` in the order in which they are best run: the one that needs most memory first."""
        self._left = list(shapes)
        self._asked = False
        self._quiet_since = self._ran_at = now
        self._token_seconds = 0.0

    def __len__(self) -> int:
        return len(self._left)

    def ready(self, now: float) -> None:
        """The load is over: whoever it was for asks soon."""
        self._quiet_since = now

    def asked(self, now: float) -> None:
        """Somebody asks, or has been answered."""
        self._asked = True
        self._quiet_since = now

    def next(self, now: float) -> tuple[Shape | None, float]:
        """Return the shape to run now; or None, and for how many seconds to listen before asking again."""
        cheapest = min(self._left, key=_tokens)
        forced = self._asked and self._seconds(cheapest) <= STREAM_COST
        if forced and now - self._ran_at > STREAM_SECONDS - _INSTANT:
            return cheapest, 0.0
        first = self._left[0]
        missing = self._quiet_since + max(QUIET_SECONDS if self._asked else FIRST_SECONDS, self._seconds(first)) - now
        if missing < _INSTANT:
            return first, 0.0
        return None, min(missing, self._ran_at + STREAM_SECONDS - now) if forced else missing

    def _seconds(self, shape: Shape) -> float:
        return _tokens(shape) * self._token_seconds

    def ran(self, shape: Shape, *, seconds: float, now: float) -> None:
        self._left.remove(shape)
        self._ran_at = now
        self._token_seconds = seconds / _tokens(shape)


def _tokens(shape: Shape) -> int:
    """Return the work in a pass, its fixed cost included."""
    return shape.rows * shape.width + PASS_TOKENS
