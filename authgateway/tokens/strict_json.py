"""JSON as tokens use it: one object, no duplicate members, no numbers but short integers (RFC 8725, section 2.4)."""

from __future__ import annotations

import json
from typing import Any

_DIGITS = 12


def loads(raw: bytes) -> dict[str, Any]:
    """Return the object in ``raw``.

    Raises:
        ValueError: it is anything else.
    """
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_refuse,
            parse_constant=_refuse,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate member")
    return found


def _integer(text: str) -> int:
    if len(text) > _DIGITS:
        raise ValueError("number too long")
    return int(text)


def _refuse(text: str) -> Any:
    raise ValueError("not an integer")
