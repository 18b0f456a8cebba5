"""Tensors: from JSON or raw bytes to Python, and back."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from altlas.kernel.errors import FieldError, InvalidInput

# Little-endian, as the protocol has it on the wire.
NUMPY: Final[Mapping[str, str]] = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
BYTES: Final = "BYTES"
_LENGTH = struct.Struct("<I")
_MOST_ELEMENTS = 10_000_000
_MOST_DIMENSIONS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Tensor:
    """``values`` is a flat numpy array, or for BYTES a list of bytes; row-major."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Any

    def texts(self) -> list[str]:
        """Return a BYTES tensor's elements as text.

        Raises:
            InvalidInput: it is of another type, or an element is not UTF-8.
        """
        if self.datatype != BYTES:
            raise wrong(f"The input {self.name!r} has the type {self.datatype}; this model reads BYTES.")
        try:
            return [element.decode() for element in self.values]
        except UnicodeDecodeError:
            raise wrong(f"The input {self.name!r} has an element that is not UTF-8.") from None


def wrong(detail: str, pointer: str = "/inputs") -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(pointer=pointer, code="invalid", detail=detail)])


def utf8(text: str, pointer: str = "/inputs") -> bytes:
    """Raises: InvalidInput: JSON's escapes have put half of a surrogate pair into ``text``."""
    try:
        return text.encode()
    except UnicodeEncodeError as exc:
        half = ord(text[exc.start])
        raise wrong(f"A text has the lone surrogate U+{half:04X}, which is no character.", pointer) from None


def count_of(shape: Sequence[int]) -> int:
    return math.prod(shape)


def shape_of(value: Any, name: str) -> tuple[int, ...]:
    """Raises: InvalidInput: ``value`` is no list of whole numbers from 0, or too much."""
    few = isinstance(value, list) and len(value) <= _MOST_DIMENSIONS
    # Each before the product: that of integers without a bound takes seconds.
    if not few or not all(type(size) is int and 0 <= size <= _MOST_ELEMENTS for size in value):
        raise wrong(f"The tensor {name!r} has no usable shape.")
    if count_of(value) > _MOST_ELEMENTS:
        raise wrong(f"The tensor {name!r} has more than {_MOST_ELEMENTS} elements.")
    return tuple(value)


def from_json(*, name: str, datatype: str, shape: tuple[int, ...], data: Any) -> Tensor:
    """Read ``data``, nested or flat.

    Raises:
        InvalidInput: the elements do not fit the type or the shape.
    """
    flat = list(_flat(data, name))
    _count(name, shape, len(flat))
    if datatype == BYTES:
        if not all(isinstance(element, str) for element in flat):
            raise wrong(f"The tensor {name!r} of type BYTES has an element that is no text.")
        return Tensor(name=name, datatype=datatype, shape=shape, values=[utf8(element) for element in flat])
    kinds = (bool,) if datatype == "BOOL" else (int, float)
    if not all(isinstance(element, kinds) and (datatype == "BOOL" or element is not True) for element in flat):
        raise wrong(f"The tensor {name!r} has an element that is no {datatype}.")
    try:
        values = np.array(flat, dtype=_numpy(name, datatype))
    except (OverflowError, ValueError):
        raise wrong(f"The tensor {name!r} has an element that does not fit {datatype}.") from None
    return Tensor(name=name, datatype=datatype, shape=shape, values=values)


def from_bytes(*, name: str, datatype: str, shape: tuple[int, ...], data: memoryview) -> Tensor:
    """Read raw little-endian elements; BYTES elements are a four-byte length and that many bytes.

    Raises:
        InvalidInput: the bytes do not fit the type and the shape exactly.
    """
    if datatype == BYTES:
        elements = list(_elements(data, name))
        _count(name, shape, len(elements))
        return Tensor(name=name, datatype=datatype, shape=shape, values=elements)
    kind = np.dtype(_numpy(name, datatype))
    if len(data) != count_of(shape) * kind.itemsize:
        raise wrong(f"The tensor {name!r} has {len(data)} bytes instead of {count_of(shape) * kind.itemsize}.")
    return Tensor(name=name, datatype=datatype, shape=shape, values=np.frombuffer(data, dtype=kind))


def to_bytes(tensor: Tensor) -> bytes:
    if tensor.datatype == BYTES:
        return b"".join(_LENGTH.pack(len(element)) + element for element in tensor.values)
    return bytes(np.ascontiguousarray(tensor.values, dtype=NUMPY[tensor.datatype]).tobytes())


def to_json(tensor: Tensor) -> list[Any]:
    if tensor.datatype == BYTES:
        return [element.decode() for element in tensor.values]
    return list(np.asarray(tensor.values).ravel().tolist())


def _numpy(name: str, datatype: str) -> str:
    try:
        return NUMPY[datatype]
    except KeyError:
        known = ", ".join([*NUMPY, BYTES])
        raise wrong(f"The tensor {name!r} has the unknown type {datatype!r}; known are {known}.") from None


def _count(name: str, shape: tuple[int, ...], found: int) -> None:
    if found != count_of(shape):
        raise wrong(f"The tensor {name!r} has {found} elements; its shape says {count_of(shape)}.")


def _flat(data: Any, name: str, depth: int = 1) -> Iterator[Any]:
    if not isinstance(data, list):
        raise wrong(f"The tensor {name!r} has no `data` list.")
    if depth > _MOST_DIMENSIONS:
        raise wrong(f"The tensor {name!r} has lists in lists deeper than {_MOST_DIMENSIONS} dimensions.")
    for element in data:
        if isinstance(element, list):
            yield from _flat(element, name, depth + 1)
        else:
            yield element


def _elements(data: memoryview, name: str) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        end = place + _LENGTH.size
        if end > len(data):
            raise wrong(f"The tensor {name!r} ends inside an element's length.")
        (length,) = _LENGTH.unpack(data[place:end])
        place = end + length
        if place > len(data):
            raise wrong(f"The tensor {name!r} ends inside an element.")
        yield bytes(data[end:place])
