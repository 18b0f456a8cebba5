"""Spans of a text and the law that every strategy keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Characters ``start`` to ``end`` (code points, end excluded).

    ``score`` is the confidence, from 0 to 1, that a boundary of this strategy lies at ``end``; the end of the text
    scores 1.
    """

    start: int
    end: int
    score: float


def spans_from_cuts(length: int, cuts: Iterable[int], scores: Iterable[float]) -> list[Span]:
    """Return the spans between ascending inner ``cuts`` of a text of ``length`` characters."""
    spans = []
    start = 0
    for cut, score in zip(cuts, scores, strict=True):
        spans.append(Span(start=start, end=cut, score=score))
        start = cut
    if start < length:
        spans.append(Span(start=start, end=length, score=1.0))
    return spans


def is_exact(length: int, spans: Sequence[Span]) -> bool:
    """Whether ``spans`` are ordered, disjoint, not empty, and cover a text of ``length`` characters."""
    at = 0
    for span in spans:
        if span.start != at or span.end <= span.start:
            return False
        at = span.end
    return at == length
