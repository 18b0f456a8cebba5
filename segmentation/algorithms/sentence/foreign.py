"""Sentences of the languages without a classifier of our own, by ``sentencex``.

It pairs quotes and brackets over a whole paragraph, which loses boundaries in long lines, and takes quadratic time
on runs of marks. So it is given bounded pieces, each starting where the last whole sentence ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from segmentation.algorithms.spans import Span, spans_from_cuts
from segmentation.algorithms.tokens import printable

PIECE = 800  # characters
_SCORE = 0.9  # sentencex gives no confidence; rules of its quality are right about this often
_SPACE = re.compile(r"\s*")


def split_foreign(text: str, language: str) -> list[Span]:
    """Return the sentences of ``text`` in ``language`` (any code; unknown ones fall back to general rules)."""
    safe = printable(text)  # a lone surrogate cannot cross into Rust
    cuts = sorted({cut for cut in _cuts(safe, language) if 0 < cut < len(text)})
    return spans_from_cuts(len(text), cuts, [_SCORE] * len(cuts))


def _cuts(text: str, language: str) -> Iterator[int]:
    start = 0
    while start < len(text):
        cuts, start = piece_cuts(text, start, language)
        yield from cuts


def piece_cuts(text: str, start: int, language: str) -> tuple[list[int], int]:
    """Return the cuts in the piece that begins at ``start``, and where the next piece begins."""
    end = min(start + PIECE, len(text))
    # The last sentence of a piece may go on in the next one: it opens that piece, and its end is found there.
    cuts = [_after_space(text, start + cut) for cut in _piece(text[start:end], language)]
    return cuts, cuts[-1] if cuts and cuts[-1] > start else _after_space(text, end)


def _piece(piece: str, language: str) -> Iterator[int]:
    """Return where the sentences of ``piece`` end, the last one left out."""
    import sentencex

    at = 0
    for sentence in sentencex.segment(language, piece):
        at += len(sentence)
        if sentence.strip() and at < len(piece):
            yield at


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
