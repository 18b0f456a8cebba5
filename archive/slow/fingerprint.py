"""A statement without its values, and what tells two of them apart. Pure.

What a user sent is a parameter and never part of the text; texts that the program itself wrote into a statement are
taken out all the same, so that nothing depends on that rule having been kept.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

_SETTINGS = re.compile(r"(?:SET LOCAL [\w.]+ = [^;]+;\s*)+")
_ONE_SETTING = re.compile(r"SET LOCAL ([\w.]+) = ([^;]+);")
_VALUE = re.compile(r"%%|%s|%\(\w+\)s|(?:\b(?:E|U&))?'(?:[^']|'')*'")
_LIST = re.compile(r"\(\s*\$\d+(?:\s*,\s*\$\d+){3,}\s*\)")
_LONGEST = 20_000


def statement(sql: str) -> str:
    """Return ``sql`` with ``$1``, ``$2`` … where values stood, on one line, without its SET LOCALs."""
    number = 0

    def numbered(found: re.Match[str]) -> str:
        nonlocal number
        if found[0] == "%%":
            return "%"
        number += 1
        return f"${number}"

    bare = _SETTINGS.sub("", sql, count=1) if sql.startswith("SET LOCAL") else sql
    return re.sub(r"\s+", " ", _VALUE.sub(numbered, bare[:_LONGEST])).strip()


def planner(sql: str) -> dict[str, str]:
    """Return the planner settings that were sent along with the statement."""
    if not sql.startswith("SET LOCAL"):
        return {}
    return {name: value for name, value in _ONE_SETTING.findall(sql) if not name.endswith("timeout")}


def fingerprint(text: str) -> str:
    """Return the same for statements that differ only in how many values a list has."""
    return hashlib.blake2b(_LIST.sub("($n)", text).encode("utf-8", "replace"), digest_size=16).hexdigest()


def types(parameters: Any) -> list[str]:
    """Return the Python types of parameters; of lists, the type of the first item."""
    if isinstance(parameters, Mapping):
        parameters = list(parameters.values())
    if not isinstance(parameters, Sequence) or isinstance(parameters, str | bytes):
        return []
    return [_type(value) for value in parameters[:100]]


def _type(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"list[{_type(value[0])}]"[:32] if value else "list"
    return type(value).__name__[:32]
