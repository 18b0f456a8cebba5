"""Code points that PostgreSQL cannot store in text or JSON: U+0000 and lone surrogates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def fault(text: str) -> str | None:
    """Return what makes ``text`` unstorable, or None when nothing does."""
    found = _UNSTORABLE.search(text)
    if found is None:
        return None
    what = "U+0000" if found[0] == "\x00" else f"the lone surrogate U+{ord(found[0]):04X}"
    return f"contains {what} at character {found.start()}, which cannot be stored"


def escaped(text: str) -> str:
    """Return ``text`` as UTF-8 can carry it: with a lone surrogate as ``\\udc00``, which JSON lets a client send."""
    return text.encode(errors="backslashreplace").decode()


def faults(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield (RFC 6901 pointer, fault) for every unstorable string of a JSON value, member names included."""
    # A stack instead of recursion: nesting is chosen by the client.
    stack = [(value, pointer)]
    while stack:
        item, at = stack.pop()
        if isinstance(item, str):
            if (found := fault(item)) is not None:
                yield at, found
        elif isinstance(item, dict):
            for key, member in item.items():
                if (found := fault(str(key))) is not None:
                    yield at, f"has a member name that {found}"
                else:
                    stack.append((member, f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"))
        elif isinstance(item, list | tuple):
            stack.extend((member, f"{at}/{index}") for index, member in enumerate(item))
