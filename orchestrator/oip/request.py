"""An inference request: the JSON header, and the raw tensors behind it when there are any."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from altlas.kernel.errors import InvalidInput
from orchestrator.oip.tensors import Tensor, from_bytes, from_json, shape_of, utf8, wrong

# Request parameters that are the protocol's own; any other goes to the model.
_OWN = frozenset(
    {"priority", "timeout", "binary_data_output", "sequence_id", "sequence_start", "sequence_end"}
    | {"triton_enable_empty_final_response", "headers"}
)
_MICRO = 1e-6
_MOST_DIGITS = 20  # of a number in a header or a parameter; longer ones are no sizes and no times


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One output that is asked for; ``binary`` None when the request does not say."""

    name: str
    binary: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class InferRequest:
    """``seconds`` is the longest wait, None when unsaid; ``urgent`` stands for the highest priority, 1."""

    id: str | None = None
    inputs: tuple[Tensor, ...] = ()
    outputs: tuple[Wanted, ...] = ()
    binary_output: bool = False
    seconds: float | None = None
    urgent: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)


def parse(body: bytes, header_length: str | None) -> InferRequest:
    """Read a request's (decompressed) body. ``header_length`` is the header ``Inference-Header-Content-Length``.

    Raises:
        InvalidInput: says what is wrong and where.
    """
    head, raw = _split(body, header_length)
    document = _object(head)
    parameters = _mapping(document.get("parameters"), "/parameters")
    inputs, rest = _inputs(document.get("inputs"), raw)
    if len(rest):
        raise wrong(f"{len(rest)} bytes follow the last binary tensor.")
    request_id = document.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise wrong("`id` is a text.", "/id")
    utf8(request_id or "", "/id")  # it goes into the answer: before the model has run
    priority = _number(parameters, "priority")
    return InferRequest(
        id=request_id or None,
        inputs=inputs,
        outputs=_outputs(document.get("outputs")),
        binary_output=_flag(parameters, "binary_data_output") or False,
        seconds=(_number(parameters, "timeout") or 0) * _MICRO or None,
        urgent=priority == 1,
        params={name: value for name, value in parameters.items() if name not in _OWN},
    )


def _split(body: bytes, header_length: str | None) -> tuple[bytes, memoryview]:
    if header_length is None:
        return body, memoryview(b"")
    number = header_length.isascii() and header_length.isdigit() and len(header_length) <= _MOST_DIGITS
    if not number or int(header_length) > len(body):
        shown = header_length[: _MOST_DIGITS + 1]
        raise wrong(f"Inference-Header-Content-Length {shown!r} does not fit the body of {len(body)} bytes.", "")
    return body[: int(header_length)], memoryview(body)[int(header_length) :]


def _object(head: bytes) -> dict[str, Any]:
    try:
        document = json.loads(head)
    except (ValueError, RecursionError) as exc:
        raise wrong(f"The request's JSON cannot be read: {exc}"[:300], "") from None
    if not isinstance(document, dict):
        raise wrong("The request is a JSON object.", "")
    return document


def _inputs(value: Any, raw: memoryview) -> tuple[tuple[Tensor, ...], memoryview]:
    if not isinstance(value, list) or not value:
        raise wrong("`inputs` is a list with at least one tensor.")
    found: list[Tensor] = []
    for number, entry in enumerate(value):
        pointer = f"/inputs/{number}"
        entry = _mapping(entry, pointer)
        name, datatype = entry.get("name"), entry.get("datatype")
        if not isinstance(name, str) or not isinstance(datatype, str):
            raise wrong("An input has a `name` and a `datatype`.", pointer)
        shape = shape_of(entry.get("shape"), name)
        parameters = _mapping(entry.get("parameters"), f"{pointer}/parameters")
        if "shared_memory_region" in parameters:
            raise wrong("Shared memory is not supported.", pointer)
        size = parameters.get("binary_data_size")
        if size is None:
            found.append(from_json(name=name, datatype=datatype, shape=shape, data=entry.get("data")))
            continue
        if type(size) is not int or not 0 <= size <= len(raw):
            raise wrong(f"The body has not the {size} bytes of the tensor {name!r}.", pointer)
        found.append(from_bytes(name=name, datatype=datatype, shape=shape, data=raw[:size]))
        raw = raw[size:]
    return tuple(found), raw


def _outputs(value: Any) -> tuple[Wanted, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise wrong("`outputs` is a list.", "/outputs")
    found = []
    for number, entry in enumerate(value):
        pointer = f"/outputs/{number}"
        entry = _mapping(entry, pointer)
        parameters = _mapping(entry.get("parameters"), f"{pointer}/parameters")
        if not isinstance(entry.get("name"), str):
            raise wrong("An output has a `name`.", pointer)
        if parameters.get("classification") or "shared_memory_region" in parameters:
            raise wrong("Classification and shared memory are not supported.", pointer)
        found.append(Wanted(name=entry["name"], binary=_flag(parameters, "binary_data")))
    return tuple(found)


def _mapping(value: Any, pointer: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong(f"{pointer} is a JSON object.", pointer)
    return value


def _flag(parameters: Mapping[str, Any], name: str) -> bool | None:
    value = parameters.get(name)
    if value is not None and not isinstance(value, bool):
        raise wrong(f"`{name}` is true or false.", "/parameters")
    return value


def _number(parameters: Mapping[str, Any], name: str) -> int | None:
    value = parameters.get(name)
    if value is None:
        return None
    try:
        # Triton's clients send whole numbers as numbers or as text.
        number = int(value) if not isinstance(value, bool | float) else -1
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < 10**_MOST_DIGITS:
        raise InvalidInput(f"`{name}` is a whole number from 0, of at most {_MOST_DIGITS} digits.")
    return number
