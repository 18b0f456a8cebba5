"""The one reader of the process environment.

Every setting is declared by calling a reader with its name, default and help text. The declaration is kept in
``REGISTRY``, from which ``docs/settings.md`` is generated, so a setting that is not documented cannot exist.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
T = TypeVar("T")
N = TypeVar("N", int, float)
_BYTE_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


class SettingError(Exception):
    """A setting has a value that cannot be used; the message is one line that says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """One declared setting, as shown in ``docs/settings.md``."""

    name: str
    kind: str
    default: str
    help: str


REGISTRY: dict[str, Setting] = {}


def _declare(name: str, kind: str, default: object, help: str) -> str | None:
    REGISTRY[name] = Setting(name=name, kind=kind, default="" if default is None else str(default), help=help)
    raw = os.environ.get(name)
    return raw if raw is not None and raw.strip() != "" else None


def _read(name: str, raw: str | None, default: T, convert: Callable[[str], T], wanted: str) -> T:
    if raw is None:
        return default
    try:
        return convert(raw.strip())
    except ValueError as exc:
        detail = f" ({exc})" if str(exc) else ""
        raise SettingError(f"{name}={raw!r} is not {wanted}{detail}; correct it or unset it.") from None


def text(name: str, default: str = "", *, help: str) -> str:
    return _read(name, _declare(name, "text", default, help), default, str, "text")


def secret(name: str, default: str = "", *, help: str) -> str:
    """Like :func:`text`, but the default and the value never appear in documents or messages."""
    return _declare(name, "secret", None, help) or default


def integer(name: str, default: int, *, help: str, minimum: int | None = None, maximum: int | None = None) -> int:
    def convert(raw: str) -> int:
        return _bounded(int(raw), minimum, maximum)

    return _read(
        name, _declare(name, "integer", default, help), default, convert, _range("a whole number", minimum, maximum)
    )


def decimal(
    name: str, default: float, *, help: str, minimum: float | None = None, maximum: float | None = None
) -> float:
    def convert(raw: str) -> float:
        return _bounded(float(raw), minimum, maximum)

    return _read(name, _declare(name, "number", default, help), default, convert, _range("a number", minimum, maximum))


def seconds(name: str, default: float, *, help: str, minimum: float = 0.0) -> float:
    def convert(raw: str) -> float:
        return _bounded(float(raw), minimum, None)

    return _read(name, _declare(name, "seconds", default, help), default, convert, _range("seconds", minimum, None))


def flag(name: str, default: bool, *, help: str) -> bool:
    def convert(raw: str) -> bool:
        lowered = raw.lower()
        if lowered in _TRUE:
            return True
        if lowered in _FALSE:
            return False
        raise ValueError

    return _read(name, _declare(name, "flag", int(default), help), default, convert, "1 or 0")


def choice(name: str, default: str, *, choices: tuple[str, ...], help: str) -> str:
    def convert(raw: str) -> str:
        if raw not in choices:
            raise ValueError
        return raw

    kind = " \\| ".join(choices)
    return _read(name, _declare(name, kind, default, help), default, convert, f"one of {', '.join(choices)}")


def csv(name: str, default: tuple[str, ...] = (), *, help: str) -> tuple[str, ...]:
    def convert(raw: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in raw.split(",") if part.strip())

    return _read(name, _declare(name, "list", ",".join(default), help), default, convert, "a comma-separated list")


def path(name: str, default: Path, *, help: str, shown: str | None = None) -> Path:
    """A path, made absolute. ``shown`` is the default as documents name it, since the real one varies by machine."""
    raw = _declare(name, "path", default if shown is None else shown, help)
    return _read(name, raw, default, lambda value: Path(value).expanduser(), "a path").absolute()


def size_bytes(name: str, default: int, *, help: str, minimum: int = 0, shown: str | None = None) -> int:
    """A number of bytes; ``512M`` and ``4G`` are understood (powers of 1024)."""

    def convert(raw: str) -> int:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", raw.lower())
        if match is None:
            raise ValueError
        return _bounded(int(float(match[1]) * _BYTE_UNITS[match[2]]), minimum, None)

    raw = _declare(name, "bytes", default if shown is None else shown, help)
    return _read(name, raw, default, convert, _range("a size such as 512M", minimum, None))


def _bounded(value: N, minimum: float | None, maximum: float | None) -> N:
    # The negated form also refuses NaN, for which every comparison is false.
    if minimum is not None and not value >= minimum:
        raise ValueError(f"must be at least {minimum}")
    if maximum is not None and not value <= maximum:
        raise ValueError(f"must be at most {maximum}")
    if value in (float("inf"), float("-inf")) or value != value:
        raise ValueError("must be finite")
    return value


def _range(noun: str, minimum: float | None, maximum: float | None) -> str:
    if minimum is not None and maximum is not None:
        return f"{noun} from {minimum:g} to {maximum:g}"
    if minimum is not None:
        return f"{noun} of {minimum:g} or more"
    return noun if maximum is None else f"{noun} of {maximum:g} or less"
