"""Which inputs share the next forward pass: pure, no torch.

Requests that wait at the same time are served together. The request that has been served least so far leads the next
batch, so that a long document does not hold up a single sentence; the batch is filled with inputs of similar length,
from whichever request, because padding is work. Padding does not change results (attention masks).
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

BUCKET = 8


def padded(length: int) -> int:
    """Return the length that a row of ``length`` tokens is padded to: few distinct shapes, little waste."""
    return max(BUCKET, -(-length // BUCKET) * BUCKET)


@dataclass(slots=True)
class Item:
    """One input of one request, encoded."""

    request: Request
    index: int
    length: int
    payload: Any


@dataclass(slots=True)
class Request:
    """One request as the runner sees it; ``outputs`` fills up batch by batch."""

    id: int
    count: int
    arrival: int
    params: dict[str, Any] = field(default_factory=dict)
    served: int = 0
    outputs: list[Any] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    missing: int = 0
    waiting: list[Item] = field(default_factory=list)
    seconds: float = 0.0


class Pool:
    """The inputs that wait for a forward pass."""

    def __init__(self, *, token_bound: int) -> None:
        self._bound = token_bound
        self._requests: dict[int, Request] = {}

    def __bool__(self) -> bool:
        return bool(self._requests)

    def add(self, request: Request, items: Iterable[Item]) -> None:
        request.waiting = sorted(items, key=lambda item: item.length)
        request.missing = len(request.waiting)
        if request.waiting:
            self._requests[request.id] = request

    def discard(self, request_id: int) -> None:
        self._requests.pop(request_id, None)

    def next_batch(self) -> list[Item]:
        """Take the items of the next forward pass out of the pool; at least one when the pool is not empty."""
        if not self._requests:
            return []
        order = sorted(self._requests.values(), key=lambda request: (request.served, request.arrival))
        lead = order[0]
        # The longest of the leading request sets the width; everything narrower fits beside it.
        width = padded(lead.waiting[-1].length)
        room = max(1, self._bound // width)
        batch: list[Item] = []
        for request in order:
            if request.params != lead.params:
                continue
            end = bisect.bisect_right(request.waiting, width, key=lambda item: item.length)
            take = min(room - len(batch), end)
            batch.extend(request.waiting[end - take : end])
            del request.waiting[end - take : end]
            request.served += take * width
            if not request.waiting:
                del self._requests[request.id]
            if len(batch) >= room:
                break
        return batch
