"""The direct lane to a node: synchronous requests, at most once, with a deadline (docs/decisions/0021).

Celery stays the engine for what is queued and must survive; a caller that waits needs neither its guarantees nor its
4 ms. On the node's own machine a request goes through the node's door, a Unix socket, when the node can take it at
once; from elsewhere, and whenever it has to wait, over the node's list in Redis. A request that its node does not take
is answered by nobody, and its caller knows when.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from altlas.kernel import request_id, tracing
from orchestrator.lane import door, queue
from orchestrator.lane.door import Door
from orchestrator.lane.queue import LaneReaders, hear, length, order
from orchestrator.lane.signs import Alive, Signs
from orchestrator.lane.slots import Slots

__all__ = ["Door", "LaneReaders", "Signs", "Slots", "ask", "hear", "length", "order"]


def ask(
    node: str,
    request: dict[str, Any],
    *,
    seconds: float,
    alive: Alive,
    urgent: bool = False,
    near: bool = True,
) -> dict[str, Any] | None:
    """Send ``request`` (msgpack types) to ``node`` and wait for the reply; None when none came in time.

    ``urgent`` goes before all that waits; ``near`` false does not try the node's door. ``alive`` says, while waiting,
    whether the node is there; None where that is not known.

    Raises:
        NodeUnavailable: the lane is full, or the node has gone.
        Unavailable: Redis could not be reached to send the request, or has been away when the time was over.
    """
    begun = time.monotonic()
    whole = {
        **request,
        "seconds": seconds,
        "request_id": request_id.current_request_id(),
        "trace": tracing.carried(),
    }
    if near:
        with suppress(door.NotTaken):
            return door.ask(node, whole, seconds=seconds, alive=alive)
    left = seconds - (time.monotonic() - begun)
    return queue.ask(node, whole, seconds=left, alive=alive, urgent=urgent)
