"""Whether this node refuses model requests because its memory is nearly used up."""

from __future__ import annotations

import threading

from orchestrator import exceptions

_refusing = threading.Event()


def set_refusing(refusing: bool) -> None:
    if refusing:
        _refusing.set()
    else:
        _refusing.clear()


def check() -> None:
    """Pass, or say that the node has no memory to spare.

    Raises:
        NodeUnavailable: until the watch sees the node below the threshold again.
    """
    if _refusing.is_set():
        raise exceptions.NodeUnavailable("The node's memory is nearly used up; try again shortly.", retry_after=10)
