"""The one vector that an archive record is found by, and the one of a query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from altlas.kernel.clock import monotonic
from orchestrator import selectors as catalogue
from segmentation.conf import EMBEDDING_DIMENSIONS
from segmentation.encoder import ModelEncoder, normalised

PASSAGES = 8
PASSAGE = 800  # characters, about the 256 tokens that the default model reads
_QUERY_DEADLINE = 10.0  # seconds


def document_vector(vectors: npt.NDArray[np.float32], weights: Sequence[int]) -> list[float] | None:
    """Return the mean of sentence ``vectors``, weighted by the root of their lengths, as a unit vector.

    A long sentence says more than a short one, but not in proportion. None when the model has another width than the
    archive keeps.
    """
    if vectors.ndim != 2 or vectors.shape[1] != EMBEDDING_DIMENSIONS or len(vectors) == 0:
        return None
    mean = np.average(vectors, axis=0, weights=np.sqrt(np.maximum(np.asarray(weights, dtype=np.float64), 1.0)))
    found: list[float] = normalised(mean.astype(np.float32)[None, :])[0].astype(float).tolist()
    return found


def passages(text: str, cuts: Sequence[int]) -> list[str]:
    """Return up to ``PASSAGES`` stretches of ``text``, evenly spread, each beginning where a segment begins.

    What a strategy without vectors of its own is embedded by: eight passages cost as much as one short paragraph of
    sentences, and cover the beginning, the middle and the end.
    """
    starts = [0, *cuts]
    if len(text) <= PASSAGES * PASSAGE:
        chosen = [starts[0]]
        for start in starts[1:]:
            if start - chosen[-1] >= PASSAGE:
                chosen.append(start)
        chosen = chosen[:PASSAGES]
    else:
        places = np.searchsorted(starts, [len(text) * part / PASSAGES for part in range(PASSAGES)])
        chosen = sorted({starts[min(int(place), len(starts) - 1)] for place in places})
    found = [text[start : start + PASSAGE] for start in chosen]
    return [passage for passage in found if not passage.isspace()]


def embed_query(text: str) -> Sequence[float]:
    """Return the vector of a search query, by the default model."""
    until = monotonic() + _QUERY_DEADLINE
    encoder = ModelEncoder(model=catalogue.default_model(), deadline=lambda: max(0.1, until - monotonic()))
    found: list[float] = encoder.encode([text])[0].astype(float).tolist()
    return found
