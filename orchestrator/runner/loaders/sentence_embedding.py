"""Sentence embedding: transformer, mean pooling, unit length; the outputs are those of sentence-transformers.

Reimers and Gurevych, "Sentence-BERT", 2019 (arXiv:1908.10084). The folder's ``modules.json``, when there is one, says
which steps apply; anything but transformer, mean or CLS pooling and normalisation is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from orchestrator.runner.errors import RunnerError
from orchestrator.runner.loaders.base import Encoded, LoadOrder
from orchestrator.runner.loaders.bodies import Row, collate
from orchestrator.runner.loaders.longest import longest
from orchestrator.runner.loaders.opening import open_tokenizer, open_weights
from orchestrator.runner.loaders.reading import read
from orchestrator.runner.loaders.token_ids import framed, is_ids
from orchestrator.runner.loaders.transformer import UNUSABLE
from orchestrator.runner.shapes import Grid, Shape


class SentenceEmbedding:
    """One vector of unit length per text; longer texts are cut at ``max_tokens``."""

    grid: Grid
    _model: Any
    _tokenizer: Any

    def load(self, order: LoadOrder) -> dict[str, Any]:
        folder = order.folder
        if folder is None:
            raise RunnerError("model_unloadable", "The model has no files.", permanent=True)
        torch.set_num_threads(order.threads)
        self._pooling, self._normalise = steps(folder)
        try:
            self._tokenizer = open_tokenizer(folder)
            self._model = open_weights("AutoModel", folder).eval()
        except UNUSABLE as exc:
            raise RunnerError("model_unloadable", f"{type(exc).__name__}: {exc}", permanent=True) from exc
        self._max_tokens = read_at_most(folder, self._tokenizer, self._model)
        self.grid = Grid.build(max_tokens=self._max_tokens, token_bound=order.batch_tokens)
        self._pad = self._tokenizer.pad_token_id or 0
        return {"dimension": int(self._model.config.hidden_size), "max_tokens": self._max_tokens}

    def warm_up(self) -> None:
        rows = self.encode(["warm-up"], {})
        self.forward([row.payload for row in rows], {})

    def warm_shape(self, shape: Shape) -> None:
        """Run one shape of the grid, so that no request pays for it."""
        self.forward([[self._pad] * shape.width] * shape.rows, {})

    def encode(self, inputs: Sequence[Any], params: dict[str, Any]) -> list[Encoded]:
        if not all(isinstance(text, str) or is_ids(text) for text in inputs):
            raise RunnerError("invalid_inputs", "Inputs are texts or lists of token ids.")
        texts = [text for text in inputs if isinstance(text, str)]
        read = iter(self._read(texts))
        found = [
            next(read) if isinstance(one, str) else framed(self._tokenizer, one, max_tokens=self._max_tokens)
            for one in inputs
        ]
        return [Encoded(length=len(ids), payload=ids) for ids in found]

    def _read(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        how = {"return_attention_mask": False, "return_token_type_ids": False}
        return read(self._tokenizer, texts, max_tokens=self._max_tokens, **how)["input_ids"]

    def forward(self, rows: Sequence[Any], params: dict[str, Any]) -> Sequence[Any]:
        with torch.inference_mode():
            return self._forward(rows)

    def _forward(self, rows: Sequence[Any]) -> Sequence[Any]:
        batch = collate([Row(ids=ids) for ids in rows], pad=self._pad, grid=self.grid)
        mask = torch.from_numpy(batch.mask)
        hidden = self._model(input_ids=torch.from_numpy(batch.ids), attention_mask=mask).last_hidden_state
        if self._pooling == "cls":
            pooled = hidden[:, 0]
        else:
            weight = mask.unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * weight).sum(1) / weight.sum(1).clamp(min=1e-9)
        if self._normalise:
            pooled = torch.nn.functional.normalize(pooled, p=2, dim=1)
        # A copy: what waits to be sent must not keep the padding or the tensor alive.
        return list(pooled[: len(rows)].numpy().copy())


def read_at_most(folder: Path, tokenizer: Any, model: Any) -> int:
    """Return how many tokens of a text are read: sentence-transformers' own number goes before the tokenizer's."""
    own = _json(folder / "sentence_bert_config.json").get("max_seq_length")
    return longest(model, said=int(own or 0) or tokenizer.model_max_length, unknown=512)


def steps(folder: Path) -> tuple[str, bool]:
    """Return the pooling (``mean`` or ``cls``) and whether vectors are normalised."""
    modules = _json(folder / "modules.json", default=[])
    if not modules:
        return "mean", True
    kinds = [str(module["type"]).rsplit(".", 1)[-1] for module in modules]
    unknown = set(kinds) - {"Transformer", "Pooling", "Normalize"}
    if unknown:
        raise RunnerError("model_unloadable", f"Unknown steps in modules.json: {sorted(unknown)}.", permanent=True)
    pooling = next((module["path"] for module, kind in zip(modules, kinds, strict=True) if kind == "Pooling"), None)
    if pooling is not None and not (folder / pooling / "config.json").is_file():
        # Mean pooling would be a guess, and its vectors those of another model.
        raise RunnerError(
            "model_unloadable", f"{pooling}/config.json says how to pool, and is missing.", permanent=True
        )
    config = _json(folder / pooling / "config.json") if pooling is not None else {}
    if config.get("pooling_mode_mean_tokens", not config):
        return "mean", "Normalize" in kinds
    if config.get("pooling_mode_cls_token"):
        return "cls", "Normalize" in kinds
    raise RunnerError("model_unloadable", "Only mean and CLS pooling are known.", permanent=True)


def _json(path: Path, default: Any = None) -> Any:
    return json.loads(path.read_text()) if path.is_file() else ({} if default is None else default)
