"""Sentence embedding by a compiled variant: the transformer in ONNX Runtime, pooling in numpy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from transformers import AutoConfig

from orchestrator.runner.loaders.base import LoadOrder
from orchestrator.runner.loaders.bodies import Array, OnnxBody, Row, collate
from orchestrator.runner.loaders.opening import open_tokenizer, skeleton
from orchestrator.runner.loaders.sentence_embedding import SentenceEmbedding, read_at_most, steps
from orchestrator.runner.loaders.transformer import UNUSABLE, folder_of, unloadable
from orchestrator.runner.shapes import Grid


class SentenceEmbeddingOnnx(SentenceEmbedding):
    """The same vectors as by torch, to the last digits; encoding is inherited."""

    def load(self, order: LoadOrder) -> dict[str, Any]:
        folder = folder_of(order)
        if order.variant is None:
            raise unloadable("The compiled variant is not on this node.")
        self._pooling, self._normalise = steps(folder)
        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            self._tokenizer = open_tokenizer(folder)
        except UNUSABLE as exc:
            raise unloadable(f"{type(exc).__name__}: {exc}") from exc
        self._body = OnnxBody(order.variant, threads=order.threads)
        self._max_tokens = read_at_most(folder, self._tokenizer, skeleton(config))
        self.grid = Grid.build(max_tokens=self._max_tokens, token_bound=order.batch_tokens)
        self._pad = self._tokenizer.pad_token_id or 0
        return {"dimension": int(config.hidden_size), "max_tokens": self._max_tokens, "runtime": order.runtime}

    def forward(self, rows: Sequence[Any], params: dict[str, Any]) -> Sequence[Any]:
        batch = collate([Row(ids=ids) for ids in rows], pad=self._pad, grid=self.grid)
        found = pooled(self._body(batch), batch.mask, how=self._pooling, normalise=self._normalise)
        return list(found[: len(rows)].copy())


def pooled(hidden: Array, mask: Array, *, how: str, normalise: bool) -> Array:
    """Return one float32 vector per row of ``hidden``, of shape (rows, width, dimension)."""
    if how == "cls":
        found: Array = hidden[:, 0]
    else:
        weight = mask[:, :, None].astype(hidden.dtype)
        found = (hidden * weight).sum(1) / np.maximum(weight.sum(1), 1e-9)
    if normalise:
        found = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    return found.astype(np.float32, copy=False)
