"""An inference response: one JSON document, or a JSON header and raw tensors behind it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from orchestrator.oip.request import InferRequest
from orchestrator.oip.tensors import Tensor, to_bytes, to_json, wrong


def render(request: InferRequest, tensors: Sequence[Tensor], *, model: str, version: str) -> tuple[bytes, int | None]:
    """Return the body and the length of its JSON header; None when all of it is JSON.

    Raises:
        InvalidInput: an output is asked for that the model does not have.
    """
    entries: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for tensor, binary in chosen(request, tensors):
        entry: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
        if binary:
            raw.append(to_bytes(tensor))
            entry["parameters"] = {"binary_data_size": len(raw[-1])}
        else:
            entry["data"] = to_json(tensor)
        entries.append(entry)
    document: dict[str, Any] = {"model_name": model, "model_version": version, "outputs": entries}
    if request.id is not None:
        document["id"] = request.id
    head = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join([head, *raw]), len(head) if raw else None


def check_outputs(request: InferRequest, known: Sequence[str]) -> None:
    """Raises: InvalidInput: an output is asked for that is not among the ``known`` names."""
    for wanted in request.outputs:
        if wanted.name not in known:
            raise wrong(f"There is no output {wanted.name!r}; this model has {', '.join(known)}.", "/outputs")


def chosen(request: InferRequest, tensors: Sequence[Tensor]) -> list[tuple[Tensor, bool]]:
    """Return the tensors that are asked for, in that order, each with whether it goes out as raw bytes."""
    if not request.outputs:
        return [(tensor, request.binary_output) for tensor in tensors]
    known = {tensor.name: tensor for tensor in tensors}
    check_outputs(request, list(known))
    return [
        (known[wanted.name], request.binary_output if wanted.binary is None else wanted.binary)
        for wanted in request.outputs
    ]
