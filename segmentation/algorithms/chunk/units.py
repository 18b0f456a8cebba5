"""What chunks are put together from: sentences, and the pieces of sentences that are too long for one chunk."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from segmentation.algorithms.spans import Span

Count = Callable[[Sequence[str]], list[int]]  # the tokens of each text by itself, special ones included
_WORD = re.compile(r"\S+\s*|\s+")
_BATCH = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """``text[start:end]`` with its ``size`` in tokens. ``price`` of a cut at ``end``: 0 for the best place."""

    start: int
    end: int
    size: int
    price: float


INSIDE_WORD, INSIDE_SENTENCE, BETWEEN_SENTENCES, AFTER_PARAGRAPH = 2.0, 1.0, 0.3, 0.1
_PARAGRAPH = re.compile(r"\n\s*\n\s*$")


def units_of(text: str, sentences: Sequence[Span], *, count: Count, maximum: int) -> list[Unit]:
    """Return units of at most ``maximum`` tokens that cover ``text``; whole sentences wherever they fit."""
    found: list[Unit] = []
    for at in range(0, len(sentences), _BATCH):
        part = sentences[at : at + _BATCH]
        sizes = count([text[span.start : span.end] for span in part])
        for span, size in zip(part, sizes, strict=True):
            paragraph = _PARAGRAPH.search(text[span.start : span.end][-40:]) is not None
            price = AFTER_PARAGRAPH if paragraph else BETWEEN_SENTENCES
            if size <= maximum:
                found.append(Unit(start=span.start, end=span.end, size=size, price=price))
            else:
                found.extend(_pieces(text, span, count, maximum, price))
    return found


def _pieces(text: str, span: Span, count: Count, maximum: int, price: float) -> list[Unit]:
    """Cut a sentence that is too long at spaces, and a word that is too long at any character."""
    words = [(match.start(), match.end()) for match in _WORD.finditer(text, span.start, span.end)]
    found: list[Unit] = []
    for at in range(0, len(words), _BATCH):
        part = words[at : at + _BATCH]
        for (start, end), size in zip(part, count([text[a:b] for a, b in part]), strict=True):
            if size <= maximum:
                found.append(Unit(start=start, end=end, size=size, price=INSIDE_SENTENCE))
            else:
                found.extend(_slices(text, start, end, count, maximum))
    last = found[-1]
    found[-1] = Unit(start=last.start, end=last.end, size=last.size, price=price)
    return found


def _slices(text: str, start: int, end: int, count: Count, maximum: int) -> list[Unit]:
    found = []
    step = max(1, maximum)
    while start < end:
        stop = min(start + step, end)
        size = count([text[start:stop]])[0]
        while size > maximum and stop - start > 1:
            stop = start + max(1, (stop - start) // 2)
            size = count([text[start:stop]])[0]
        price = INSIDE_WORD if stop < end else INSIDE_SENTENCE
        found.append(Unit(start=start, end=stop, size=size, price=price))
        start = stop
    return found
