"""What a loader is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadOrder:
    """What is to be loaded and how."""

    folder: Path | None
    options: dict[str, Any] = field(default_factory=dict)
    threads: int = 1
    runtime: str = "torch"
    variant: Path | None = None  # folder of the compiled variant, when the runtime is not torch
    batch_tokens: int = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """One input, ready for a forward pass; ``length`` in tokens."""

    length: int
    payload: Any


class Loader(Protocol):
    """One task's way of loading, warming up and serving a model. Used by one thread at a time.

    A loader may have a ``grid`` (``orchestrator.runner.shapes.Grid``), set by ``load``: it is given batches that fit
    the grid, and its ``warm_shape(shape)`` is called for every shape when the runner has nothing else to do.
    """

    def load(self, order: LoadOrder) -> dict[str, Any]:
        """Load and return facts about the model (dimension, longest input, …).

        Raises:
            RunnerError: it cannot be loaded; ``permanent`` when trying again does not help.
        """

    def warm_up(self) -> None:
        """Run what the first requests would otherwise pay for."""

    def encode(self, inputs: Sequence[Any], params: dict[str, Any]) -> list[Encoded]:
        """Turn inputs into rows.

        Raises:
            RunnerError: ``invalid_inputs``.
        """

    def forward(self, rows: Sequence[Any], params: dict[str, Any]) -> Sequence[Any]:
        """Return one output per row: a float32 vector (numpy) or JSON-able values."""
