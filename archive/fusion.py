"""Reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): pure.

Ranks are comparable where scores are not.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)
K = 60  # the constant of the paper


def fuse(rankings: Sequence[Sequence[T]], *, k: int = K) -> Mapping[T, float]:
    """Return item -> sum of 1 / (k + rank) over ``rankings``, best first; ties stay in order of first appearance."""
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (k + rank)
    return dict(sorted(scores.items(), key=lambda pair: -pair[1]))
