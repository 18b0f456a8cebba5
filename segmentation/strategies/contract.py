"""What every strategy takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from segmentation.algorithms.sentence.tagged import Tagger
from segmentation.algorithms.spans import Span

Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Turns sentences into unit vectors."""

    def encode(self, sentences: Sequence[str]) -> Vectors: ...


class Watch(Protocol):
    """Measures the named parts of the work."""

    def measure(self, name: str) -> Any: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One text to segment. ``language`` is settled; ``options`` are validated and complete; ``count`` gives the tokens
    of texts, for strategies that are bounded by them; ``tagger`` labels tokens, when a model is to find sentences."""

    text: str
    language: str
    options: dict[str, Any]
    count: Callable[[Sequence[str]], list[int]] | None = None
    tagger: Tagger | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """``spans`` cover the text (unless the strategy says otherwise); ``vectors`` are those of the sentences, when the
    strategy made some; ``extra`` holds members that this strategy adds to the answer, ``details`` those that it adds to
    each segment."""

    spans: list[Span]
    vectors: Vectors | None = None
    weights: Sequence[int] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    details: list[dict[str, Any]] = field(default_factory=list)
