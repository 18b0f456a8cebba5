"""What a model reads and answers, by its task: as tensors for the Open Inference Protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from orchestrator.models import Task
from orchestrator.oip.tensors import BYTES, Tensor, wrong

TEXT, PAIR = "text", "text_pair"
VECTORS = frozenset({Task.SENTENCE_EMBEDDING.value, Task.ECHO.value})


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorSpec:
    """``shape`` with -1 for what varies."""

    name: str
    datatype: str
    shape: tuple[int, ...] = (-1,)

    def as_dict(self) -> dict[str, Any]:
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


def inputs_of(task: str) -> list[TensorSpec]:
    named = [TEXT, PAIR] if task == Task.CROSS_ENCODER else [TEXT]
    return [TensorSpec(name=name, datatype=BYTES) for name in named]


def outputs_of(task: str, facts: Mapping[str, Any]) -> list[TensorSpec]:
    """``facts`` are those of a load; without them a vector's dimension is unknown."""
    if task in VECTORS:
        return [TensorSpec(name="embedding", datatype="FP32", shape=(-1, int(facts.get("dimension", -1))))]
    if task == Task.SEQUENCE_CLASSIFICATION:
        return [
            TensorSpec(name="label", datatype=BYTES),
            TensorSpec(name="score", datatype="FP32"),
            TensorSpec(name="labels", datatype=BYTES),
        ]
    if task == Task.CROSS_ENCODER:
        return [TensorSpec(name="score", datatype="FP32"), TensorSpec(name="logit", datatype="FP32")]
    name = {Task.TOKEN_CLASSIFICATION: "spans", Task.FILL_MASK: "fills"}.get(Task(task), "generated")
    return [TensorSpec(name=name, datatype=BYTES)]


def to_inputs(task: str, tensors: Sequence[Tensor]) -> list[Any]:
    """Turn a request's tensors into inputs of the model, one per row.

    Raises:
        InvalidInput: the tensors are not those of the task.
    """
    known = [spec.name for spec in inputs_of(task)]
    if len(known) == 1 and len(tensors) == 1:
        return tensors[0].texts()  # a single text tensor may have any name
    given = {tensor.name: tensor for tensor in tensors}
    names = [tensor.name for tensor in tensors]
    if sorted(names) != sorted(known):  # a name that is there twice is none of the task's either
        raise wrong(f"The inputs are {', '.join(names)}; this model reads {', '.join(known)}.")
    columns = [given[name].texts() for name in known]
    if len(columns) == 1:
        return list(columns[0])
    if len({len(column) for column in columns}) != 1:
        raise wrong(f"The inputs {' and '.join(known)} have different lengths.")
    return [list(row) for row in zip(*columns, strict=True)]


def to_tensors(task: str, *, vectors: Any, values: Sequence[Any]) -> list[Tensor]:
    """Turn a model's outputs into tensors: ``vectors`` of an embedding, else ``values``, one per input."""
    if task in VECTORS:
        return [Tensor(name="embedding", datatype="FP32", shape=vectors.shape, values=vectors)]
    if task == Task.SEQUENCE_CLASSIFICATION:
        return [
            _texts("label", [labels[0]["label"] for labels in values]),
            _floats("score", [labels[0]["score"] for labels in values]),
            _documents("labels", values),
        ]
    if task == Task.CROSS_ENCODER:
        return [_floats(name, [value[name] for value in values]) for name in ("score", "logit")]
    if task == Task.TEXT_GENERATION:
        return [_texts("generated", [value["text"] for value in values])]
    return [_documents(outputs_of(task, {})[0].name, values)]


def _texts(name: str, texts: Sequence[str]) -> Tensor:
    return Tensor(name=name, datatype=BYTES, shape=(len(texts),), values=[text.encode() for text in texts])


def _documents(name: str, values: Sequence[Any]) -> Tensor:
    return _texts(name, [json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values])


def _floats(name: str, values: Sequence[float]) -> Tensor:
    return Tensor(name=name, datatype="FP32", shape=(len(values),), values=np.array(values, dtype="<f4"))
