"""What a record's members may be. Pure: values in, list of faults out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from altlas.kernel import codepoints
from altlas.kernel.errors import FieldError
from archive.conf import (
    EMBEDDING_DIMENSIONS,
    KIND_MAXIMUM,
    LANGUAGE_MAXIMUM,
    TAG_MAXIMUM,
    TAGS_MAXIMUM,
    TITLE_MAXIMUM,
    conf,
)
from archive.exceptions import InvalidRecord
from archive.statuses import Status

_KIND = re.compile(r"[a-z0-9][a-z0-9_.:-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*")
_HALF_MAXIMUM = 65504.0  # largest finite binary16


def check(members: Mapping[str, Any]) -> None:
    """Check the given members of a record; absent ones are not looked at.

    Raises:
        InvalidRecord: with one FieldError for every fault found.
    """
    found: list[FieldError] = []
    for name, value in members.items():
        rule = _RULES.get(name)
        if rule is not None:
            found.extend(FieldError(pointer=at, code=code, detail=detail) for at, code, detail in rule(value))
    if found:
        named = ", ".join(dict.fromkeys(error.pointer for error in found))
        raise InvalidRecord(f"The record has invalid members: {named}.", errors=found)


Fault = tuple[str, str, str]


def _unstorable(value: Any, pointer: str) -> Iterator[Fault]:
    for at, fault in codepoints.faults(value, pointer):
        yield at, "unstorable", f"{at.rsplit('/', 1)[-1]} {fault}."


def _too_long(value: str, maximum: int, pointer: str) -> Iterator[Fault]:
    if len(value) > maximum:
        yield pointer, "too_long", f"{len(value)} characters; at most {maximum} are kept."


def _kind(value: str) -> Iterator[Fault]:
    yield from _too_long(value, KIND_MAXIMUM, "/kind")
    if not _KIND.fullmatch(value):
        yield "/kind", "invalid", "Use small ASCII letters, digits and _ . : - ; begin with a letter or digit."


def _status(value: str) -> Iterator[Fault]:
    if value not in set(Status):
        yield "/status", "invalid_choice", f"Use one of {', '.join(Status)}."


def _title(value: str) -> Iterator[Fault]:
    yield from _too_long(value, TITLE_MAXIMUM, "/title")
    yield from _unstorable(value, "/title")


def _text(value: str) -> Iterator[Fault]:
    yield from _too_long(value, conf.max_text, "/text")
    yield from _unstorable(value, "/text")


def _language(value: str) -> Iterator[Fault]:
    if value and (len(value) > LANGUAGE_MAXIMUM or not _LANGUAGE.fullmatch(value)):
        yield "/language", "invalid", "Use a language tag such as tr or en, or leave it empty."


def _tags(value: Sequence[str]) -> Iterator[Fault]:
    if len(value) > TAGS_MAXIMUM:
        yield "/tags", "too_many", f"{len(value)} tags; at most {TAGS_MAXIMUM} are kept."
    for index, tag in enumerate(value):
        pointer = f"/tags/{index}"
        if not tag:
            yield pointer, "blank", "A tag has at least one character."
        yield from _too_long(tag, TAG_MAXIMUM, pointer)
        yield from _unstorable(tag, pointer)


def _payload(value: Any) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield "/payload", "invalid", "The payload is a JSON object."
        return
    try:
        # Surrogates would make the size unknowable; they are reported by name below.
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass"))
    except (ValueError, TypeError, RecursionError) as exc:
        yield "/payload", "invalid", f"Not storable as JSON: {exc}."
        return
    if size > conf.max_payload:
        yield "/payload", "too_large", f"{size} bytes as JSON; at most {conf.max_payload} are kept."
    yield from _unstorable(value, "/payload")


def _success_rate(value: float | None) -> Iterator[Fault]:
    if value is not None and not 0 <= value <= 1:
        yield "/success_rate", "out_of_range", "A success rate lies between 0 and 1."


def _embedding(value: Sequence[float] | None) -> Iterator[Fault]:
    if value is None:
        return
    if len(value) != EMBEDDING_DIMENSIONS:
        yield "/embedding", "wrong_length", f"{len(value)} dimensions; the archive keeps {EMBEDDING_DIMENSIONS}."
    elif not all(math.isfinite(number) and abs(number) <= _HALF_MAXIMUM for number in value):
        yield "/embedding", "out_of_range", "Every number must be finite and within half precision."


_RULES = {
    "kind": _kind,
    "status": _status,
    "title": _title,
    "text": _text,
    "language": _language,
    "tags": _tags,
    "payload": _payload,
    "success_rate": _success_rate,
    "embedding": _embedding,
}
