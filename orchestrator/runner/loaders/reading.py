"""Texts to tokens, a few texts at a time and of each no more than can matter.

A tokenizer reads a text to its end before it cuts it, and holds some 500 bytes for every character of all that it was
given until it is done: gigabytes, for a request that is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

_AT_ONCE: Final = 50_000  # characters
# No text that says anything has fewer tokens; words of more characters are one unknown token in many vocabularies.
_PER_TOKEN: Final = 100


def read(tokenizer: Any, *columns: Sequence[str], max_tokens: int, **how: Any) -> dict[str, list[Any]]:
    """Return the tokenizer's lists, one entry per text, or per pair of texts when there are two columns."""
    most = max_tokens * _PER_TOKEN
    found: dict[str, list[Any]] = {}
    for rows in _pieces([tuple(text[:most] for text in row) for row in zip(*columns, strict=True)]):
        made = tokenizer(*map(list, zip(*rows, strict=True)), truncation=True, max_length=max_tokens, **how)
        for name, values in made.items():
            found.setdefault(name, []).extend(values)
    return found


def _pieces(rows: Sequence[tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    piece: list[tuple[str, ...]] = []
    size = 0
    for row in rows:
        piece.append(row)
        size += sum(map(len, row)) + 1  # empty texts have tokens too
        if size >= _AT_ONCE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
