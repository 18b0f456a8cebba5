"""Whether a series grows: a slope, an interval around it, and one of three answers. Pure.

Slope: Theil (1950) and Sen (1968), the median of the slopes between all pairs, here of block medians, so that spikes
and single steps do not decide. Interval: moving-block bootstrap of the residuals (Künsch 1989), because readings of
memory follow each other closely and an interval that takes them as independent is far too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

# So few blocks make the bootstrap too sure of itself: widened until the interval held the true slope in 92 % of runs
# or more on strongly autocorrelated noise, AR(1) with 0.95 (tests/memory/test_verdict.py).
_WIDEN = 1.7
Floats = npt.NDArray[np.float64]


class Answer(StrEnum):
    """``inconclusive`` asks for a longer run; it is never taken for clean."""

    LEAK = "LEAK"
    CLEAN = "CLEAN"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Growth in units per request with its 95 % interval, against the stated budget in the same units."""

    answer: Answer
    slope: float
    low: float
    high: float
    budget: float
    samples: int


def judge(
    requests: Sequence[float], values: Sequence[float], *, budget: float, blocks: int = 24, resamples: int = 500
) -> Verdict:
    """Judge one series, the warm-up already left out.

    LEAK: the interval lies above zero and the slope above the budget, in the second half alone too: caches that fill up
    also grow, ever more slowly. CLEAN: the whole interval lies below the budget. Anything else, and fewer than twelve
    readings, is INCONCLUSIVE.
    """
    x, y = np.asarray(requests, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if len(x) < 12:
        return Verdict(
            answer=Answer.INCONCLUSIVE, slope=math.nan, low=-math.inf, high=math.inf, budget=budget, samples=len(x)
        )
    mx, my = _medians(x, y, min(blocks, len(x) // 2 if len(x) < 2 * blocks else blocks))
    slope = theil_sen(mx, my)
    low, high = _interval(mx, my, slope, resamples)
    if low > 0 and slope > budget and _goes_on(mx, my, budget, resamples):
        answer = Answer.LEAK
    elif high < budget:
        answer = Answer.CLEAN
    else:
        answer = Answer.INCONCLUSIVE
    return Verdict(answer=answer, slope=slope, low=low, high=high, budget=budget, samples=len(x))


def _goes_on(x: Floats, y: Floats, budget: float, resamples: int) -> bool:
    half = len(x) // 2
    slope = theil_sen(x[half:], y[half:])
    return slope > budget and _interval(x[half:], y[half:], slope, resamples)[0] > 0


def theil_sen(x: Floats, y: Floats) -> float:
    """Return the median of the slopes between all pairs of points; ``x`` strictly increasing."""
    first, second = np.triu_indices(len(x), k=1)
    return float(np.median((y[second] - y[first]) / (x[second] - x[first])))


def _medians(x: Floats, y: Floats, blocks: int) -> tuple[Floats, Floats]:
    parts = np.array_split(np.arange(len(x)), blocks)
    return (
        np.array([np.median(x[part]) for part in parts]),
        np.array([np.median(y[part]) for part in parts]),
    )


def _interval(x: Floats, y: Floats, slope: float, resamples: int) -> tuple[float, float]:
    fit = slope * x + np.median(y - slope * x)
    residuals = y - fit
    count = len(x)
    length = max(2, round(count ** (1 / 3)) + 1)
    residuals = (residuals - residuals.mean()) * math.sqrt(count / max(1, count - 2 - length))
    rng = np.random.default_rng(0)  # the same series gives the same answer
    starts = rng.integers(0, count - length + 1, size=(resamples, math.ceil(count / length)))
    picked = (starts[:, :, None] + np.arange(length)).reshape(resamples, -1)[:, :count]
    slopes = [theil_sen(x, fit + residuals[row]) for row in picked]
    low, high = np.quantile(slopes, (0.025, 0.975))
    return slope - _WIDEN * max(0.0, slope - float(low)), slope + _WIDEN * max(0.0, float(high) - slope)


def overall(verdicts: Sequence[Verdict]) -> Answer:
    """Return LEAK when any series leaks, CLEAN when all are clean."""
    answers = {verdict.answer for verdict in verdicts}
    if Answer.LEAK in answers:
        return Answer.LEAK
    return Answer.CLEAN if answers == {Answer.CLEAN} else Answer.INCONCLUSIVE


def as_record(verdict: Verdict) -> dict[str, Any]:
    return {
        "answer": verdict.answer.value,
        "slope": verdict.slope,
        "low": verdict.low,
        "high": verdict.high,
        "budget": verdict.budget,
        "samples": verdict.samples,
    }
