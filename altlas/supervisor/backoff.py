"""When a process that ended is started again; no I/O."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
# A process that ran this long was healthy: its end is a new story, not the next failure of a series.
HEALTHY_AFTER = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class RestartHistory:
    """How many times in a row a process ended soon after its start."""

    quick_ends: int = 0

    def after(self, *, ran_for: float) -> RestartHistory:
        return RestartHistory(quick_ends=1 if ran_for >= HEALTHY_AFTER else self.quick_ends + 1)

    @property
    def delay(self) -> float:
        """Seconds to wait before the next start: doubling, bounded."""
        if self.quick_ends == 0:
            return 0.0
        # The exponent is bounded too, so that a year of failures does not overflow.
        return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(self.quick_ends - 1, 16))
