"""Which inputs share the next forward pass: pure, no torch.

Requests that wait at the same time are served together. The request that has been served least so far leads the next
batch, so that a long document does not hold up a single sentence; the batch is filled with inputs of similar length,
from whichever request, because padding is work. Padding does not change results (attention masks). A loader that has
a grid of shapes gets batches that fit it (``orchestrator.runner.shapes``).

Newcomers have been served least, so a document of several passes would wait for as long as they come. After
``OVERTAKEN`` passes without it, it leads one; others have those between, however many documents wait.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from orchestrator.runner.shapes import PASS_TOKENS, Grid

BUCKET = 8
# Fewer tokens than this are not worth a pass of their own where others are about to come (docs/decisions/0037).
NARROW = 2 * PASS_TOKENS
OVERTAKEN = 4


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
    turn: int = 0  # the last pass that it was in, or that had begun before it came
    outputs: list[Any] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    missing: int = 0
    waiting: list[Item] = field(default_factory=list)
    seconds: float = 0.0


class Pool:
    """The inputs that wait for a forward pass."""

    def __init__(self, *, token_bound: int, grid: Grid | None = None) -> None:
        self._bound = token_bound
        self._grid = grid
        self._requests: dict[int, Request] = {}
        self._passes = 0
        self._relieved = 0  # the last pass that was led by one that others had overtaken

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._requests)

    def tokens(self) -> int:
        """Return how many tokens wait."""
        return sum(item.length for request in self._requests.values() for item in request.waiting)

    def add(self, request: Request, items: Iterable[Item]) -> None:
        request.waiting = sorted(items, key=lambda item: item.length)
        request.missing = len(request.waiting)
        request.turn = self._passes
        if request.waiting:
            self._requests[request.id] = request

    def discard(self, request_id: int) -> None:
        self._requests.pop(request_id, None)

    def next_batch(self) -> list[Item]:
        """Take the items of the next forward pass out of the pool; at least one when the pool is not empty."""
        if not self._requests:
            return []
        order = self._order()
        batch = self._on_grid(self._grid, order) if self._grid is not None else self._free(order)
        for item in batch:
            item.request.turn = self._passes
        for request in order:
            if not request.waiting:
                self._requests.pop(request.id, None)
        return batch

    def _order(self) -> list[Request]:
        order = sorted(self._requests.values(), key=lambda request: (request.served, request.arrival))
        longest = min(order, key=lambda request: (request.turn, request.arrival))
        if longest is not order[0] and self._passes - max(longest.turn, self._relieved) >= OVERTAKEN:
            order.remove(longest)
            order.insert(0, longest)
            self._relieved = self._passes + 1
        self._passes += 1
        return order

    def _free(self, order: list[Request]) -> list[Item]:
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
            if len(batch) >= room:
                break
        return batch

    @staticmethod
    def _on_grid(grid: Grid, order: list[Request]) -> list[Item]:
        lead = order[0]
        width = grid.width(lead.waiting[-1].length)
        room = grid.room(width)
        found: list[Item] = []
        for request in order:
            if request.params == lead.params:
                end = bisect.bisect_right(request.waiting, width, key=lambda item: grid.width(item.length))
                found.extend(reversed(request.waiting[max(0, end - room) : end]))
        # Stable: within a bucket the leading request comes first, so its longest is in whatever is taken.
        found.sort(key=lambda item: -grid.width(item.length))
        batch = found[: grid.take([item.length for item in found[:room]])]
        taken = {id(item) for item in batch}
        for request in {item.request.id: item.request for item in batch}.values():
            left = [item for item in request.waiting if id(item) not in taken]
            request.served += (len(request.waiting) - len(left)) * width
            request.waiting = left
        return batch


@dataclass(slots=True)
class Company:
    """How long a pass waits for others to share it: only for as many requests as there were a moment ago.

    Clients that were answered together ask again one after the other. Without a wait the first of them gets a pass of
    its own and all others stand behind it, again and again. That is worth a wait as long as what is there is little
    work beside the fixed cost of a pass. A lone client never waits: nobody else is expected. ``most`` seconds, and no
    more than ``share`` of what the last pass took.
    """

    most: float
    share: float = 0.5
    _expected: int = 0
    _patience: float = 0.0

    def passed(self, requests: int, seconds: float) -> None:
        """A pass took ``seconds``; ``requests`` were in it or waited behind it."""
        self._expected, self._patience = requests, min(self.most, self.share * seconds)

    def patience(self, pool: Pool) -> float:
        """Return the seconds for which those in ``pool`` may wait for more."""
        if self._patience and 0 < len(pool) < self._expected and pool.tokens() < NARROW:
            return self._patience
        return 0.0
