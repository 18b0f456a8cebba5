"""Sentences by a model that labels tokens (of the SaT kind): a token with a label ends a sentence.

The model reads windows with context on either side; what it says in the context is left to the neighbouring window.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from segmentation.algorithms.spans import Span, spans_from_cuts

Tagger = Callable[[Sequence[str]], Sequence[Sequence[Mapping[str, Any]]]]
WINDOW, CONTEXT = 300, 60  # characters; short enough for the 512 tokens of the usual models in any script
_OUTSIDE = frozenset({"O", "LABEL_0", "0"})
_SPACE = re.compile(r"\s*")


def split_tagged(text: str, tagger: Tagger, *, threshold: float) -> list[Span]:
    """Return the sentences of ``text``; ``tagger`` gives, for every text, its tokens with label, score, start and
    end. A boundary counts from a score of ``threshold`` on; spaces behind it belong to the sentence."""
    starts = range(0, len(text), WINDOW)
    windows = [text[max(0, start - CONTEXT) : start + WINDOW + CONTEXT] for start in starts]
    cuts: dict[int, float] = {}
    for start, tokens in zip(starts, tagger(windows), strict=True):
        base = max(0, start - CONTEXT)
        for token in tokens:
            end = base + int(token["end"])
            if token["label"] in _OUTSIDE or token["score"] < threshold or not start < end <= start + WINDOW:
                continue
            match = _SPACE.match(text, end)
            cut = match.end() if match else end
            if 0 < cut < len(text):
                cuts[cut] = max(cuts.get(cut, 0.0), float(token["score"]))
    ordered = sorted(cuts)
    return spans_from_cuts(len(text), ordered, [round(min(cuts[cut], 1.0), 4) for cut in ordered])
