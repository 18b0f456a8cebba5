"""What the loaders of transformer models share: opening a folder safely, checking inputs, running batches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import SafetensorError
from transformers import AutoConfig

from orchestrator.runner.errors import RunnerError
from orchestrator.runner.loaders.base import Encoded, LoadOrder
from orchestrator.runner.loaders.bodies import Array, Body, OnnxBody, Row, TorchBody, collate
from orchestrator.runner.loaders.longest import longest
from orchestrator.runner.loaders.opening import open_tokenizer, open_weights, skeleton
from orchestrator.runner.loaders.reading import read
from orchestrator.runner.shapes import Grid, Shape

# What `from_pretrained` raises for a folder that is not what the task needs.
UNUSABLE = (OSError, ValueError, KeyError, RuntimeError, AttributeError, TypeError, SafetensorError)
# In the answer to one request. Each is an object of some 200 bytes here and in every process that it goes through, and
# a small parameter asks for many.
MOST_ENTRIES = 100_000


def unloadable(detail: str) -> RunnerError:
    return RunnerError("model_unloadable", detail, permanent=True)


def invalid(detail: str) -> RunnerError:
    return RunnerError("invalid_inputs", detail)


def folder_of(order: LoadOrder) -> Path:
    if order.folder is None:
        raise unloadable("The model has no files.")
    return order.folder


def texts_of(inputs: Sequence[Any]) -> list[str]:
    """Raises: RunnerError ``invalid_inputs``."""
    if not all(isinstance(text, str) for text in inputs):
        raise invalid("Inputs are texts.")
    return list(inputs)


def whole(params: dict[str, Any], name: str, default: int, *, most: int) -> int:
    """Return the whole number that ``params`` has under ``name``.

    Raises: RunnerError ``invalid_inputs``: it is none, or not in 1..``most``.
    """
    value = params.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise invalid(f"`{name}` is a whole number from 1 to {most}.")
    return value


def bounded(entries: int, what: str, *, remedy: str) -> None:
    """Raises: RunnerError ``invalid_inputs``: one answer does not hold that many ``entries``."""
    if entries > MOST_ENTRIES:
        raise invalid(f"The answer would have {entries} {what}, and at most {MOST_ENTRIES} go into one. {remedy}")


class Transformer:
    """A tokenizer and a body. Subclasses name the head, encode their inputs and read the answers."""

    auto: ClassVar[str]  # name of the class in transformers that opens the head
    suffix: ClassVar[str | tuple[str, ...]]  # what the head's class names end with in config.json
    output: ClassVar[str] = "logits"
    per_token: ClassVar[bool] = False  # whether the answer has one entry per token, padding included

    tokenizer: Any
    config: Any
    body: Body
    grid: Grid
    max_tokens: int

    def load(self, order: LoadOrder) -> dict[str, Any]:
        folder = folder_of(order)
        torch.set_num_threads(order.threads)
        try:
            self.config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            self.tokenizer = open_tokenizer(folder)
        except UNUSABLE as exc:
            raise unloadable(f"{type(exc).__name__}: {exc}") from exc
        self._check_head()
        if order.variant is not None:
            self.body, model = OnnxBody(order.variant, threads=order.threads), skeleton(self.config)
        else:
            model = open_head(folder, self.auto)
            self.body = TorchBody(model, output=self.output)
        self.max_tokens = longest(model, said=self.tokenizer.model_max_length)
        self.pad = self.tokenizer.pad_token_id or 0
        self.grid = Grid.build(max_tokens=self.max_tokens, token_bound=order.batch_tokens)
        return {"max_tokens": self.max_tokens, "runtime": order.runtime, **self.facts()}

    def facts(self) -> dict[str, Any]:
        return {}

    def warm_up(self) -> None:
        for text in ("warm-up", "warm-up " * 30):
            self.forward([row.payload for row in self.encode([text], {})], {})

    def warm_shape(self, shape: Shape) -> None:
        """Run one shape of the grid, so that no request pays for it."""
        self.body(collate([Row(ids=[self.pad] * shape.width)] * shape.rows, pad=self.pad, grid=self.grid))

    def encode(self, inputs: Sequence[Any], params: dict[str, Any]) -> list[Encoded]:
        texts = texts_of(inputs)
        if not texts:
            return []
        found = read(self.tokenizer, texts, max_tokens=self.max_tokens, return_attention_mask=False)["input_ids"]
        return [Encoded(length=len(ids), payload=Row(ids=ids)) for ids in found]

    def forward(self, rows: Sequence[Any], params: dict[str, Any]) -> Sequence[Any]:
        answers = self.body(collate(rows, pad=self.pad, grid=self.grid))[: len(rows)]
        pairs = zip(rows, answers, strict=True)
        return [self.read(row, answer[: len(row.ids)] if self.per_token else answer, params) for row, answer in pairs]

    def read(self, row: Row, answer: Array, params: dict[str, Any]) -> Any:
        """Turn one row's answer into what the caller gets."""
        raise NotImplementedError

    def labels(self) -> list[str]:
        names = self.config.id2label
        return [str(names.get(index, index)) for index in range(len(names))]

    def _check_head(self) -> None:
        named = list(getattr(self.config, "architectures", None) or [])
        if named and not any(name.endswith(self.suffix) for name in named):
            wanted = self.suffix if isinstance(self.suffix, str) else " or ".join(self.suffix)
            raise unloadable(f"The architecture is {', '.join(named)}; this task needs one named …{wanted}.")


def open_head(folder: Path, auto: str) -> Any:
    """Open the weights with a head; safetensors only, float32, no code from the folder.

    A head whose weights are not in the file would be filled with random numbers: that is refused.
    """
    try:
        model, info = open_weights(auto, folder, output_loading_info=True)
    except UNUSABLE as exc:
        raise unloadable(f"{type(exc).__name__}: {exc}") from exc
    missing = sorted(info["missing_keys"])
    if missing:
        raise unloadable(f"Weights are missing from the file: {', '.join(missing[:5])}.")
    return model.eval()
