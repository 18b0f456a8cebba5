"""Whitespace tokens of a text as arrays, found in one pass."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Exactly the characters for which str.isspace() holds, so that positions found by code point agree with str.split().
_SPACES = [
    *(*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680),
    *(*range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
]
_IS_SPACE = np.zeros(0x3001, dtype=np.bool_)
_IS_SPACE[_SPACES] = True
_IS_BREAK = np.zeros(0x3001, dtype=np.bool_)
_IS_BREAK[[0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029]] = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """Tokens ``i`` = ``vocabulary[ids[i]]`` at ``starts[i]:ends[i]``.

    ``breaks[i]`` counts the line breaks (CRLF is one) between token ``i`` and ``i + 1``; it has one entry fewer.
    """

    starts: IntArray
    ends: IntArray
    ids: IntArray
    vocabulary: list[str]
    breaks: IntArray

    def __len__(self) -> int:
        return len(self.starts)


def code_points(text: str) -> npt.NDArray[np.uint32]:
    """Return the code points of ``text``; lone surrogates are kept as they are."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


_SURROGATE = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    """Return ``text`` with lone surrogates, which no UTF-8 can hold, replaced one for one."""
    return _SURROGATE.sub("\ufffd", text)


def tokenize(text: str) -> Tokens:
    """Return the runs of non-space characters of ``text``, in time linear in its length."""
    points = code_points(text)
    low = np.minimum(points, 0x3000)
    in_table = points <= 0x3000
    space = _IS_SPACE[low] & in_table
    edges = np.diff(np.concatenate(([True], space, [True])).astype(np.int8))
    starts = np.flatnonzero(edges == -1).astype(np.int64)
    ends = np.flatnonzero(edges == 1).astype(np.int64)
    lookup: dict[str, int] = {}
    ids = np.fromiter((lookup.setdefault(word, len(lookup)) for word in text.split()), dtype=np.int64)
    return Tokens(
        starts=starts, ends=ends, ids=ids, vocabulary=list(lookup), breaks=_count_breaks(points, low, starts, ends)
    )


def _count_breaks(points: Any, low: Any, starts: IntArray, ends: IntArray) -> IntArray:
    line_break = _IS_BREAK[low] & (points <= 0x3000)
    # CR followed by LF counts once.
    line_break[:-1] &= ~((points[:-1] == 0x0D) & (points[1:] == 0x0A))
    totals = np.concatenate(([0], np.cumsum(line_break)))
    return np.asarray(totals[starts[1:]] - totals[ends[:-1]], dtype=np.int64)
