"""Topics of a sequence of sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segmentation.algorithms.topic.dynamic import SegmentCosts, best_cuts, best_cuts_of, gains
from segmentation.algorithms.topic.lexical import lexical_vectors

FloatArray = npt.NDArray[np.float64]
LEXICAL_WEIGHT = {"tr": 0.6, "en": 0.3}  # the model is English-centred: words count for more in Turkish
MAXIMUM = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicOptions:
    """``segments``: their number, when known. ``target_length``: wished mean length, in sentences.
    ``minimum``/``maximum``: length limits, in sentences."""

    segments: int | None = None
    target_length: float | None = None
    minimum: int = 2
    maximum: int = MAXIMUM


@dataclass(frozen=True, kw_only=True, slots=True)
class Topics:
    """``cuts[i]`` is the number of the sentence that opens topic ``i + 1``; ``scores[i]`` from 0 to 1 says how sure."""

    cuts: list[int]
    scores: list[float]


def penalty_for(count: int) -> float:
    """Return the price of a segment in a document of ``count`` sentences.

    Model selection asks for a price that grows with the logarithm of the length (Arlot et al. 2019, see
    ``dynamic``); slope and offset are fitted on documents of 12 to 150 sentences by ``benchmarks/segmentation.py``.
    """
    return min(max(0.62 * math.log(max(count, 1)) - 1.2, 0.9), 3.2)


def find_topics(
    sentences: Sequence[str], vectors: npt.NDArray[np.float32], *, language: str, options: TopicOptions
) -> Topics:
    """Return the topic boundaries of ``sentences`` with unit ``vectors`` (one row each)."""
    count = len(sentences)
    if count < 2:
        return Topics(cuts=[], scores=[])
    costs = SegmentCosts(gram(sentences, vectors, language))
    limits = {"minimum": options.minimum, "maximum": max(options.minimum, options.maximum)}
    wanted = options.segments or (round(count / options.target_length) if options.target_length else None)
    penalty = penalty_for(count)
    if wanted is not None:
        cuts = best_cuts_of(costs, segments=max(1, wanted), **limits)
    else:
        cuts = best_cuts(costs, penalty=penalty, **limits)
    return Topics(cuts=cuts, scores=[_confidence(gain, penalty) for gain in gains(costs, cuts)])


def gram(sentences: Sequence[str], vectors: npt.NDArray[np.float32], language: str) -> FloatArray:
    """Return the kernel matrix: cosine of the sentence vectors plus the weighted lexical one."""
    dense = vectors.astype(np.float64)
    lexical = lexical_vectors(sentences, language).astype(np.float64)
    weight = LEXICAL_WEIGHT.get(language, 0.3)
    return np.asarray((dense @ dense.T + weight * (lexical @ lexical.T)) / (1 + 0.5 * weight), dtype=np.float64)


def _confidence(gain: float, penalty: float) -> float:
    """Return 0.5 for a boundary that barely pays its price, towards 1 for one that pays it many times over."""
    return round(float(1.0 - 0.5 ** max(gain / penalty, 0.0)), 4)
