"""Times in powers of two: a small array that says where the 95th of a hundred lies. Pure."""

from __future__ import annotations

from collections.abc import Sequence

BUCKETS = 20  # up to 2^19 ms, about nine minutes


def bucket(milliseconds: float) -> int:
    return min(BUCKETS - 1, max(0, int(milliseconds).bit_length()))


def quantile(counts: Sequence[int], share: float) -> float:
    """Return the upper edge, in ms, of the bucket that holds the value at ``share``; 0 when nothing was counted."""
    wanted = share * sum(counts)
    seen = 0
    for index, count in enumerate(counts):
        seen += count
        if count and seen >= wanted:
            return float(2**index)
    return 0.0
