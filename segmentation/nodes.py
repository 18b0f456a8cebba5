"""Whether anybody can do the work."""

from __future__ import annotations

from altlas.kernel.errors import FieldError
from orchestrator import selectors
from orchestrator.exceptions import ModelNotFound, NodeUnavailable


def require_live() -> None:
    """Raise when no node is alive, so that a run is refused at once instead of waiting for nobody.

    Raises:
        NodeUnavailable: no node gives signs of life, or Redis, which knows them, is away.
    """
    if not selectors.live_nodes():
        raise NodeUnavailable("No node is alive; nothing was queued. Try again shortly.")


def require_model(name: str) -> None:
    """Raise when the catalogue has no model ``name``; an empty name stands for the default one.

    Raises:
        ModelNotFound: ``errors`` points at the member.
    """
    if not name:
        return
    try:
        selectors.task_of(model=name)
    except ModelNotFound as exc:
        raise ModelNotFound(
            exc.detail, errors=[FieldError(pointer="/model", code="unknown", detail=exc.detail)]
        ) from None
