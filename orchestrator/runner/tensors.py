"""Padded batches as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from orchestrator.runner.shapes import SEEN, Grid


def padded_batch(rows: Sequence[Sequence[int]], grid: Grid, *, pad: int) -> tuple[Any, Any]:
    """Return token ids and attention mask, int64 of one of the grid's shapes; spare rows attend to their first token.

    A row whose mask is all zero would turn into NaN in some attention kernels.
    """
    shape = grid.shape(len(rows), max(map(len, rows)))
    SEEN.add(*shape)
    ids = np.full(shape, pad, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.int64)
    mask[len(rows) :, 0] = 1
    for at, row in enumerate(rows):
        ids[at, : len(row)] = row
        mask[at, : len(row)] = 1
    return torch.from_numpy(ids), torch.from_numpy(mask)
