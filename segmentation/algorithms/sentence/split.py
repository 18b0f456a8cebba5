"""Sentence boundaries of a text."""

from __future__ import annotations

import numpy as np

from segmentation.algorithms.sentence import lines, rules
from segmentation.algorithms.sentence.classifier import (
    LANGUAGES,
    Boundaries,
    FloatArray,
    boundaries,
    probability,
)
from segmentation.algorithms.sentence.features import Vocabulary
from segmentation.algorithms.sentence.foreign import split_foreign
from segmentation.algorithms.spans import Span, spans_from_cuts
from segmentation.algorithms.tokens import BoolArray, Tokens, tokenize

THRESHOLD = 0.5
_BARE_STRETCH = 40  # tokens without any sentence mark
_BARE_PARAGRAPH = 8  # tokens of a whole paragraph without any


def split_sentences(
    text: str, language: str, *, threshold: float = THRESHOLD, weights: Boundaries | None = None
) -> list[Span]:
    """Return the sentences of ``text``; the whitespace after a sentence belongs to it.

    ``language`` is an ISO 639-1 code: Turkish and English use the classifier of this package, any other language
    ``sentencex``. ``weights`` other than those shipped are for whoever measures a training. The spans
    cover the text; an empty text has none. Linear in the length of the text.
    """
    if language not in LANGUAGES:
        return split_foreign(text, language)
    cuts = cuts_of(tokenize(text), language, threshold=threshold, weights=weights)
    ordered = sorted(cuts)
    return spans_from_cuts(len(text), ordered, [round(cuts[cut], 4) for cut in ordered])


def cuts_of(
    tokens: Tokens, language: str, *, threshold: float = THRESHOLD, weights: Boundaries | None = None
) -> dict[int, float]:
    """Return where sentences begin inside the text of ``tokens``, with the score of each cut; ``language`` is one of
    ``LANGUAGES``. Each depends on the neighbourhood alone (see ``stream``)."""
    if len(tokens) == 0:
        return {}
    vocabulary = Vocabulary(tokens.vocabulary, language)
    trained = weights or boundaries(language)
    scores = probability(boundary_logits(tokens, vocabulary, language, trained)) if len(tokens) > 1 else np.empty(0)
    chosen = np.flatnonzero(scores > threshold)
    cuts = dict(zip(tokens.starts[chosen + 1].tolist(), scores[chosen].tolist(), strict=True))
    cuts.update(_inside_tokens(tokens))
    return cuts


def boundary_logits(tokens: Tokens, vocabulary: Vocabulary, language: str, trained: Boundaries) -> FloatArray:
    """Return the log odds of a sentence boundary at every gap between two tokens."""
    logits = trained.logits(tokens, vocabulary, _bare_gaps(tokens, vocabulary))
    logits = rules.adjust(logits, tokens, vocabulary, language)
    return lines.adjust(logits, tokens, vocabulary)


def _bare_gaps(tokens: Tokens, vocabulary: Vocabulary) -> BoolArray:
    """Return which gaps lie in a stretch that has no sentence marks: a long one, or a whole lower-case paragraph."""
    count = len(tokens)
    positions = np.arange(count)
    marked = rules.has_marks(tokens, vocabulary)
    hard = np.concatenate((tokens.breaks > 0, [True]))
    edge = marked | hard
    previous = np.maximum.accumulate(np.where(edge, positions, -1))
    following = np.minimum.accumulate(np.where(edge, positions, count)[::-1])[::-1]
    # The stretch around gap i: tokens after the edge at or before i - 1, up to the edge at or after i.
    start = np.concatenate(([-1], previous[:-1]))[:-1]
    end = following[:-1]
    length = np.minimum(positions[:-1] - start, _BARE_STRETCH) + np.minimum(end - positions[:-1], _BARE_STRETCH)
    inside = ~edge[:-1]
    unmarked = (
        ~marked[np.clip(end, 0, count - 1)]
        & np.where(start >= 0, ~marked[np.clip(start, 0, count - 1)], True)
        & ~vocabulary.capital[tokens.ids][1:]
    )
    return np.asarray(inside & ((length >= _BARE_STRETCH) | (unmarked & (length >= _BARE_PARAGRAPH))), dtype=np.bool_)


def _inside_tokens(tokens: Tokens) -> dict[int, float]:
    """Return cuts where the space after a full stop is missing."""
    places = np.array([rules.glued(word) for word in tokens.vocabulary], dtype=np.int64)
    where = np.flatnonzero(places[tokens.ids])
    found = tokens.starts[where] + places[tokens.ids[where]]
    return dict.fromkeys(found.tolist(), 0.75)
