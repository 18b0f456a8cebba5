"""Runner code as it would be without each measure, for ``runner_memory``: imported by the fork server of a variant."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import orchestrator.runner.preload  # noqa: F401  # as in the product
from orchestrator.runner import housekeeping, loaders, process
from orchestrator.runner.batching import padded
from orchestrator.runner.loaders.sentence_embedding import SentenceEmbedding
from orchestrator.runner.shapes import Grid, Shape

MEASURES = os.environ.get("VARIANT", "").split(",")


class FreeGrid(Grid):
    """Any number of rows, lengths in multiples of eight: the shapes as they come."""

    def shape(self, rows: int, longest: int) -> Shape:
        return Shape(rows, padded(longest))


class FreeShapes(SentenceEmbedding):
    def load(self, order: Any) -> dict[str, Any]:
        facts = super().load(order)
        self._all = FreeGrid(self.grid.widths, self.grid.sizes)
        del self.grid  # so that the pool makes batches of any shape
        return facts

    def warm_up(self) -> None:
        self.forward([row.payload for row in self.encode(["warm-up", "warm-up " * 30], {})], {})

    def forward(self, rows: Sequence[Any], params: dict[str, Any]) -> Sequence[Any]:
        self.grid = self._all
        try:
            return super().forward(rows, params)
        finally:
            del self.grid


class NoHousekeeping(housekeeping.Housekeeping):
    def loaded(self) -> None: ...
    def passed(self) -> None: ...
    def wait(self) -> float | None:
        return None


if "grid" not in MEASURES:
    sys.modules["orchestrator.runner.loaders.free_shapes"] = sys.modules[__name__]
    loaders._MODULES["sentence-embedding"] = ("free_shapes", "FreeShapes")
if "settle" not in MEASURES:
    process.settle = lambda: None
if "housekeeping" not in MEASURES:
    process.Housekeeping = NoHousekeeping
