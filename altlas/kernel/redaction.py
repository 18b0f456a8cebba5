"""Keeps secrets out of log lines: the values of secret settings, tokens, and passwords inside addresses.

Nothing is meant to log a secret; this is for the exception or the library that does it anyway.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from altlas.kernel import env

_SHORTEST = 8  # shorter values would hide ordinary words
_NAMED = re.compile(r"""(?i)(["']?\b(?:(?:new_|current_)?password|passwd|secret)["']?\s*[=:]\s*)(["'])(?:(?!\2).)+\2""")
_PATTERNS = (
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*"), "[access token]"),
    (re.compile(r"\balr_[A-Za-z0-9_-]{20,}"), "[refresh token]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"), r"\1 [credential]"),
    (re.compile(r"(\w+://[^\s/:@]*):[^\s/@]+@"), r"\1:[password]@"),
    (_NAMED, r"\1\2[hidden]\2"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL), "[private key]"),
)
_values: re.Pattern[str] | None = None


def learn(values: Iterable[str]) -> None:
    """Hide these values, and those of secret settings in the environment, from now on."""
    global _values
    known = {os.environ.get(setting.name, "") for setting in env.REGISTRY.values() if setting.kind == "secret"}
    parts = {part for value in {*known, *values} for part in (value, *value.split(",")) if len(part) >= _SHORTEST}
    ordered = sorted(parts, key=len, reverse=True)
    _values = re.compile("|".join(map(re.escape, ordered))) if ordered else None


def redact(line: str) -> str:
    """Return ``line`` without what looks like or is known to be a secret."""
    if _values is not None:
        line = _values.sub("[secret]", line)
    for pattern, instead in _PATTERNS:
        line = pattern.sub(instead, line)
    return line
