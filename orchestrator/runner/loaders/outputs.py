"""What loaders answer for one input, as it goes over the wire."""

from __future__ import annotations

from typing import TypedDict


class Label(TypedDict):
    label: str
    score: float


class Span(TypedDict):
    """A labelled stretch of the text; ``text[start:end]`` in code points."""

    label: str
    score: float
    start: int
    end: int


class Score(TypedDict):
    """``logit`` as the model gave it; ``score`` is its sigmoid."""

    score: float
    logit: float


class Fill(TypedDict):
    token: str
    token_id: int
    score: float


class Generation(TypedDict):
    """``finish_reason`` is ``stop`` (the model ended) or ``length``."""

    text: str
    tokens: int
    finish_reason: str
