"""Compile one model version for ONNX Runtime and compare it with torch; a process of its own.

    python -m orchestrator.runner.export '{"task", "folder", "target", "runtime", "threads"}'

Reads the version's own files, fetches nothing, writes ``target/model.onnx`` and prints one JSON object: agreement with
torch on the probe set and the times of both. Exit status 1 with ``{"error"}`` when the model cannot be compiled.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from orchestrator.runner.preload import torch  # first: no network, no tokenizer threads

import numpy as np  # isort: skip

from orchestrator.probes import PROBES_ID, inputs_for
from orchestrator.runner.errors import RunnerError
from orchestrator.runner.loaders import loader_for
from orchestrator.runner.loaders.base import LoadOrder
from orchestrator.runner.loaders.bodies import MODEL_FILE, Array, Batch, OnnxBody, Row, TorchBody, collate
from orchestrator.runner.loaders.sentence_embedding_onnx import pooled
from orchestrator.runtimes import UNCOMPILED

_ROUNDS: Final = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    task: str
    folder: str
    target: str
    runtime: str = "onnx"
    threads: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """``cosine_min`` over the probes' vectors; ``difference_max`` is the largest of any output number.
    Times are medians in milliseconds of one short text, taken in turns."""

    probes: str
    probe_count: int
    cosine_min: float
    cosine_mean: float
    difference_max: float
    torch_ms: float
    variant_ms: float
    export_seconds: float
    bytes: int


class Wrapped(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    """A model as a function of positional tensors with one output."""

    def __init__(self, model: Any, output: str, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.output, self.names = model, output, names

    def forward(self, *tensors: Any) -> Any:
        return getattr(self.model(**dict(zip(self.names, tensors, strict=True))), self.output)


def export(order: Order) -> Report:
    """Raises: RunnerError: the model cannot be loaded or compiled."""
    loader: Any = loader_for(order.task)
    loader.load(LoadOrder(folder=Path(order.folder), threads=order.threads))
    body, pad, vectors = _parts(loader, order.task)
    rows = [_row(row.payload) for row in loader.encode(_probes(loader, order.task), {})]
    target = Path(order.target)
    target.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    _compile(body, collate(rows[:2], pad=pad, grid=loader.grid), target / MODEL_FILE)
    if order.runtime == "onnx-int8":
        _quantise(target / MODEL_FILE)
    seconds = time.monotonic() - begun
    variant = OnnxBody(target, threads=order.threads)
    batches = [collate([row], pad=pad, grid=loader.grid) for row in rows]
    expected = [vectors(body(batch), batch) for batch in batches]
    found = [vectors(variant(batch), batch) for batch in batches]
    cosines = _cosines(expected, found)
    short = collate([min(rows[3:], key=lambda row: abs(len(row.ids) - 16))], pad=pad, grid=loader.grid)
    torch_ms, variant_ms = _race(lambda: body(short), lambda: variant(short))
    return Report(
        probes=PROBES_ID,
        probe_count=len(rows),
        cosine_min=min(cosines),
        cosine_mean=float(np.mean(cosines)),
        difference_max=max(float(np.abs(a - b).max()) for a, b in zip(expected, found, strict=True)),
        torch_ms=torch_ms,
        variant_ms=variant_ms,
        export_seconds=seconds,
        bytes=(target / MODEL_FILE).stat().st_size,
    )


def _parts(loader: Any, task: str) -> tuple[TorchBody, int, Callable[[Array, Batch], Array]]:
    """Return the part that computes, the padding id, and how an answer becomes the vector that is compared."""
    if task == "sentence-embedding":
        model, how, normalise = loader._model, loader._pooling, loader._normalise

        def vector(answer: Array, batch: Batch) -> Array:
            found: Array = pooled(answer, batch.mask, how=how, normalise=normalise)[0]
            return found

        return TorchBody(model, output="last_hidden_state"), loader._pad, vector
    if not isinstance(getattr(loader, "body", None), TorchBody) or task in UNCOMPILED:
        raise RunnerError("model_unloadable", f"Models for {task} cannot be compiled.", permanent=True)

    def logits(answer: Array, batch: Batch) -> Array:
        one = answer[0][: int(batch.mask.sum())] if loader.per_token else answer[0]
        return np.asarray(one, dtype=np.float64).ravel()

    return loader.body, loader.pad, logits


def _probes(loader: Any, task: str) -> list[Any]:
    return inputs_for(task, mask=getattr(getattr(loader, "tokenizer", None), "mask_token", None) or "[MASK]")


def _row(payload: Any) -> Row:
    return payload if isinstance(payload, Row) else Row(ids=payload)


def _compile(body: TorchBody, example: Batch, path: Path) -> None:
    given = example.named()
    names = tuple(given)
    rows, width = torch.export.Dim("rows"), torch.export.Dim("width")
    tensors = tuple(torch.from_numpy(array) for array in given.values())
    try:
        torch.onnx.export(
            Wrapped(body.model, body.output, names).eval(),
            tensors,
            str(path),
            dynamo=True,
            verbose=False,
            external_data=False,
            input_names=list(names),
            output_names=["output"],
            dynamic_shapes=(tuple({0: rows, 1: width} for _ in names),),
        )
    except Exception as exc:  # the exporter's errors have no common base
        raise RunnerError("model_unloadable", f"The exporter: {exc}"[:500], permanent=True) from exc


def _quantise(path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = path.with_suffix(".fp32")
    path.rename(whole)
    try:
        quantize_dynamic(str(whole), str(path), weight_type=QuantType.QInt8)
    finally:
        whole.unlink()


def _cosines(expected: list[Array], found: list[Array]) -> list[float]:
    if expected[0].size == 1:  # one number per input has no direction: the probes' numbers together have
        expected, found = [np.concatenate(expected)], [np.concatenate(found)]
    return [
        min(1.0, float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12)))
        for a, b in zip(expected, found, strict=True)
    ]


def _race(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Return the median times in ms, taken in turns so that other work on the machine meets both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(_ROUNDS + 2):
        for work, kept in zip((first, second), times, strict=True):
            begun = time.perf_counter()
            work()
            kept.append((time.perf_counter() - begun) * 1000)
    return float(np.median(times[0][2:])), float(np.median(times[1][2:]))


def main(argument: str) -> int:
    warnings.simplefilter("ignore")  # the exporter's own deprecations
    logging.disable(logging.WARNING)
    out, sys.stdout = sys.stdout, sys.stderr  # the exporter prints
    try:
        said: dict[str, Any] = asdict(export(Order(**json.loads(argument))))
    except RunnerError as exc:
        said = {"error": exc.detail}
    print(json.dumps(said), file=out, flush=True)  # the answer; only sys.stdout is flushed at the end
    return 1 if "error" in said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
