"""The part of a loader that computes: padded token ids in, one array out; by torch, or by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from orchestrator.runner.errors import VARIANT_UNUSABLE, RunnerError
from orchestrator.runner.shapes import SEEN, Grid

Array = np.ndarray[Any, np.dtype[Any]]
MODEL_FILE = "model.onnx"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One encoded input. ``types`` are segment ids, for models that have them and inputs with two parts."""

    ids: Sequence[int]
    types: Sequence[int] | None = None
    extra: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Rows padded on the right to one width, and spare rows; all of shape (rows, width), int64."""

    ids: Array
    mask: Array
    types: Array | None

    def named(self) -> dict[str, Array]:
        found = {"input_ids": self.ids, "attention_mask": self.mask}
        return found if self.types is None else {**found, "token_type_ids": self.types}


def collate(rows: Sequence[Row], *, pad: int, grid: Grid) -> Batch:
    """Return the rows in one of the grid's shapes; spare rows at the end attend to their first token.

    A row whose mask is all zero would turn into NaN in some attention kernels.
    """
    shape = grid.shape(len(rows), max(len(row.ids) for row in rows))
    SEEN.add(*shape)
    ids = np.full(shape, pad, dtype=np.int64)
    mask = np.zeros_like(ids)
    mask[len(rows) :, 0] = 1
    with_types = any(row.types is not None for row in rows)
    types = np.zeros_like(ids) if with_types else None
    for number, row in enumerate(rows):
        ids[number, : len(row.ids)] = row.ids
        mask[number, : len(row.ids)] = 1
        if types is not None and row.types is not None:
            types[number, : len(row.types)] = row.types
    return Batch(ids=ids, mask=mask, types=types)


class Body(Protocol):
    def __call__(self, batch: Batch) -> Array: ...


class TorchBody:
    """``output`` is the member of the model's answer that is wanted: ``logits`` or ``last_hidden_state``."""

    def __init__(self, model: Any, *, output: str) -> None:
        self.model, self.output = model, output

    def __call__(self, batch: Batch) -> Array:
        import torch

        with torch.inference_mode():
            tensors = {name: torch.from_numpy(array) for name, array in batch.named().items()}
            found: Array = getattr(self.model(**tensors), self.output).numpy()
        return found


class OnnxBody:
    """A compiled variant; ``folder`` holds what ``orchestrator.runner.export`` wrote."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.enable_cpu_mem_arena = False  # the arena keeps the largest batch's memory for ever
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # cores are shared with other runners
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
            )
        except Exception as exc:  # ONNX Runtime's errors have no common base
            # Its files are what was compiled: another release of ONNX Runtime, perhaps. Torch needs none of it.
            raise RunnerError(VARIANT_UNUSABLE, f"The compiled variant: {exc}", permanent=False) from exc
        self._inputs = {entry.name for entry in self._session.get_inputs()}

    def __call__(self, batch: Batch) -> Array:
        given = batch.named()
        if "token_type_ids" in self._inputs and "token_type_ids" not in given:
            given["token_type_ids"] = np.zeros_like(batch.ids)
        found: Array = self._session.run(None, {name: given[name] for name in self._inputs})[0]
        return found
