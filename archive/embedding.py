"""The query's embedding. Who can make one is registered at start; the archive itself knows no models."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from altlas.kernel.errors import AltlasError, DeadlineExceeded, Unavailable
from archive.conf import EMBEDDING_DIMENSIONS
from archive.exceptions import SemanticUnavailable

Embedder = Callable[[str], Sequence[float]]
_embedder: Embedder | None = None


def set_query_embedder(embedder: Embedder | None) -> None:
    """Register what turns a query into its vector; None takes it away."""
    global _embedder
    _embedder = embedder


def embed_query(text: str) -> Sequence[float]:
    """Return the vector of ``text``.

    Raises:
        SemanticUnavailable: no embedder is registered, no node answers, or the model has another width.
    """
    if _embedder is None:
        raise SemanticUnavailable("No model is set up for semantic search; use mode=text.")
    try:
        vector = _embedder(text)
    except (Unavailable, DeadlineExceeded) as exc:
        raise SemanticUnavailable(
            f"The query could not be embedded: {exc.detail} Use mode=text meanwhile.", retry_after=exc.retry_after
        ) from exc
    except AltlasError as exc:
        raise SemanticUnavailable(f"The query could not be embedded: {exc.detail}") from exc
    if len(vector) != EMBEDDING_DIMENSIONS:
        raise SemanticUnavailable(
            f"The query model gives {len(vector)} dimensions; the archive keeps {EMBEDDING_DIMENSIONS}."
        )
    return vector
