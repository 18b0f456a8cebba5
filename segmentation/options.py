"""What may stand in ``options``, by strategy. Pure: values in, complete options or faults out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from altlas.kernel.errors import FieldError

OFFSETS = ("code_points", "utf16")


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """``convert`` returns the value or raises ValueError with what is wanted; ``default`` None leaves it out."""

    convert: Callable[[Any], Any]
    default: Any
    help: str


def whole(minimum: int, maximum: int) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise ValueError(f"a whole number from {minimum} to {maximum}")
        return value

    return convert


def number(minimum: float, maximum: float) -> Callable[[Any], float]:
    def convert(value: Any) -> float:
        right = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not right or not minimum <= value <= maximum:
            raise ValueError(f"a number from {minimum:g} to {maximum:g}")
        return float(value)

    return convert


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def one_of(*choices: str) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return value

    return convert


_COMMON = {
    "embedding": Option(convert=flag, default=True, help="Give the archive record a vector for semantic search."),
    "offsets": Option(convert=one_of(*OFFSETS), default="code_points", help="Unit of `start` and `end`."),
}
OPTIONS: dict[str, dict[str, Option]] = {
    "sentence": {
        **_COMMON,
        "threshold": Option(
            convert=number(0.01, 0.99), default=0.5, help="Least score of a boundary; lower gives more sentences."
        ),
    },
    "topic": {
        **_COMMON,
        "segments": Option(convert=whole(1, 2000), default=None, help="Number of topics, when it is known."),
        "target_length": Option(convert=number(1, 2000), default=None, help="Wished mean length, in sentences."),
        "min_length": Option(
            convert=whole(1, 1000), default=None, help="Shortest topic, in sentences; by default 2 to 5 by length."
        ),
        "max_length": Option(convert=whole(1, 100_000), default=200, help="Longest topic, in sentences."),
        "levels": Option(convert=whole(1, 2), default=1, help="2 also groups the topics into sections."),
    },
    "chunk": {
        **_COMMON,
        "max_tokens": Option(convert=whole(8, 100_000), default=256, help="Most tokens of a chunk; never exceeded."),
        "overlap": Option(
            convert=whole(0, 50_000), default=0, help="Tokens that a chunk may repeat of the one before it."
        ),
        "unit": Option(
            convert=one_of("tokens", "characters"),
            default="tokens",
            help="What max_tokens and overlap count: tokens of the model, or code points.",
        ),
        "boundaries": Option(
            convert=one_of("sentence", "topic"), default="sentence", help="Where chunks end by preference."
        ),
    },
    "command": {**_COMMON},
}


def complete(strategy: str, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """Return the options of ``strategy`` with defaults filled in, and what is wrong with those ``given``."""
    known = OPTIONS[strategy]
    found: dict[str, Any] = {name: option.default for name, option in known.items() if option.default is not None}
    faults = []
    for name, value in given.items():
        pointer = "/options/" + name.replace("~", "~0").replace("/", "~1")
        if name not in known:
            detail = f"{strategy} has no such option; it has {', '.join(known)}."
            faults.append(FieldError(pointer=pointer, code="unknown_option", detail=detail))
            continue
        try:
            found[name] = known[name].convert(value)
        except ValueError as exc:
            faults.append(FieldError(pointer=pointer, code="invalid", detail=f"Give {exc}."))
    if not faults:
        faults.extend(_together(found))
    return found, faults


def _together(found: Mapping[str, Any]) -> list[FieldError]:
    if found.get("min_length", 0) > found.get("max_length", math.inf):
        detail = f"min_length {found['min_length']} is greater than max_length {found['max_length']}."
        return [FieldError(pointer="/options/min_length", code="out_of_range", detail=detail)]
    if found.get("overlap", 0) * 2 > found.get("max_tokens", math.inf):
        detail = f"overlap {found['overlap']} is more than half of max_tokens {found['max_tokens']}."
        return [FieldError(pointer="/options/overlap", code="out_of_range", detail=detail)]
    if found.get("segments") and found.get("target_length"):
        detail = "Give segments or target_length, not both."
        return [FieldError(pointer="/options/target_length", code="exclusive", detail=detail)]
    return []
