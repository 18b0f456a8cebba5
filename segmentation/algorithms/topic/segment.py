"""Topics of a sequence of sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from segmentation.algorithms.topic.dynamic import SegmentCosts, best_cuts, best_cuts_of, coarse_cuts, gains
from segmentation.algorithms.topic.layout import price_factors
from segmentation.algorithms.topic.lexical import lexical_vectors

FloatArray = npt.NDArray[np.float64]
LEXICAL_WEIGHT = {"tr": 1.0, "en": 0.3}  # the model is English-centred: words count for more in Turkish
MAXIMUM = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicOptions:
    """``segments``: their number, when known. ``target_length``: wished mean length, in sentences.
    ``minimum``/``maximum``: length limits, in sentences; without a minimum, two to five by the document's length.
    ``sections``: also group the topics, into about the square root of their number."""

    segments: int | None = None
    target_length: float | None = None
    minimum: int | None = None
    maximum: int = MAXIMUM
    sections: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Topics:
    """``cuts[i]`` is the number of the sentence that opens topic ``i + 1``; ``scores[i]`` from 0 to 1 says how sure.
    ``sections`` are those of ``cuts`` where a section, a group of topics, begins."""

    cuts: list[int]
    scores: list[float]
    sections: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """Price of a segment by document length: ``at_90`` sentences, plus ``slope`` per unit of the natural logarithm."""

    at_90: float
    slope: float
    lowest: float
    highest: float


# The model is English-centred: between Turkish sentences its cosines differ less, so a boundary gains less. There is
# no Turkish set of topics to fit on: this price was chosen on a few joined articles.
_PRICES = {"tr": Price(at_90=1.28, slope=0.1, lowest=1.2, highest=1.5)}
_PRICE = Price(at_90=1.70, slope=0.6, lowest=1.3, highest=2.4)


def penalty_for(count: int, language: str) -> float:
    """Return the price of a segment in a document of ``count`` sentences.

    Model selection asks for a price that grows with the logarithm of the length (Arlot et al. 2019, see
    ``dynamic``). Below about 1.0 the neighbourhood of sentences inside one topic already pays for cuts. The
    English figures are fitted by ``segmentation.training.topics`` on half of Choi's documents (12 to 150 sentences,
    where long documents have long topics; with the tie of the two loosened the slope is 0.1).
    """
    price = _PRICES.get(language, _PRICE)
    wanted = price.at_90 + price.slope * math.log(max(count, 1) / 90)
    return min(max(wanted, price.lowest), price.highest)


def find_topics(
    sentences: Sequence[str], vectors: npt.NDArray[np.float32], *, language: str, options: TopicOptions
) -> Topics:
    """Return the topic boundaries of ``sentences`` with unit ``vectors`` (one row each)."""
    count = len(sentences)
    if count < 2:
        return Topics(cuts=[], scores=[])
    costs = SegmentCosts(gram(sentences, vectors, language))
    minimum = options.minimum or min(max(2, round(count / 50)), 5)
    limits = {"minimum": minimum, "maximum": max(minimum, options.maximum)}
    wanted = options.segments or (round(count / options.target_length) if options.target_length else None)
    penalty = penalty_for(count, language)
    prices = penalty * price_factors(sentences)
    if wanted is not None:
        cuts = best_cuts_of(costs, segments=max(1, wanted), prices=prices, **limits)
    else:
        cuts = best_cuts(costs, prices=prices, **limits)
    return Topics(
        cuts=cuts,
        sections=coarse_cuts(costs, cuts, segments=round(math.sqrt(len(cuts) + 1))) if options.sections else [],
        scores=[_confidence(gain, prices[cut]) for cut, gain in zip(cuts, gains(costs, cuts), strict=True)],
    )


def gram(sentences: Sequence[str], vectors: npt.NDArray[np.float32], language: str) -> FloatArray:
    """Return the kernel matrix: cosine of the sentence vectors plus the weighted lexical one."""
    dense = vectors.astype(np.float64)
    lexical = lexical_vectors(sentences, language).astype(np.float64)
    weight = LEXICAL_WEIGHT.get(language, 0.3)
    return np.asarray((dense @ dense.T + weight * (lexical @ lexical.T)) / (1 + 0.5 * weight), dtype=np.float64)


def _confidence(gain: float, penalty: float) -> float:
    """Return 0.5 for a boundary that barely pays its price, towards 1 for one that pays it many times over."""
    return round(float(1.0 - 0.5 ** max(gain / penalty, 0.0)), 4)
