"""Figures out of measurements. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Final

ROUNDS: Final = 4  # how long a run in doubt becomes, in its own length: what came by chance is outweighed by then


def quantile(values: Sequence[float], share: float) -> float:
    """Return the nearest-rank quantile; NaN of nothing, which no threshold accepts."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    rank = math.ceil(share * len(ordered) - 1e-9)  # 0.55 of a hundred is 55, and a little more as a float
    return ordered[max(1, rank) - 1]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the Theil-Sen slope: the median of the slopes between all pairs of points.

    Source: Sen, "Estimates of the regression coefficient based on Kendall's tau", JASA 63 (1968). One garbage
    collection or one burst among the samples does not move it, unlike least squares.
    """
    found = [
        (y2 - y1) / (x2 - x1) for index, (x1, y1) in enumerate(points) for x2, y2 in points[index + 1 :] if x2 != x1
    ]
    return median(found) if found else float("nan")
