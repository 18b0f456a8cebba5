"""The cheapest packing of units into chunks of bounded size: exact, by dynamic programming.

A chunk costs the square of the share of ``maximum`` that it leaves unused, plus the price of the cut at its end; the
last one costs nothing for being short. So chunks come out full and even, and end where the text allows it best.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from segmentation.algorithms.chunk.units import Count, Unit

_PRICE = 0.5  # of one unit of cut price against one unit of emptiness
_HARD = 0.9  # of the limit is aimed at when the parts' tokens do not add up to those of the whole


def pack(sizes: Sequence[int], prices: Sequence[float], *, maximum: int) -> list[int]:
    """Return where chunks end (numbers of units, the last one included), the cost being least.

    ``sizes[i]`` at most ``maximum`` each; ``prices[i]`` is the price of a cut behind unit ``i``.
    """
    n = len(sizes)
    total = np.concatenate(([0], np.cumsum(np.asarray(sizes, dtype=np.int64))))
    best = np.full(n + 1, np.inf)
    best[0] = 0.0
    back = np.zeros(n + 1, dtype=np.int64)
    first = 0
    for end in range(1, n + 1):
        while total[end] - total[first] > maximum:
            first += 1
        used = (total[end] - total[first:end]) / maximum
        empty = np.zeros_like(used) if end == n else (1.0 - used) ** 2
        costs = best[first:end] + empty
        choice = int(np.argmin(costs))
        best[end] = costs[choice] + (0.0 if end == n else _PRICE * prices[end - 1])
        back[end] = first + choice
    ends = []
    at = n
    while at > 0:
        ends.append(at)
        at = int(back[at])
    return ends[::-1]


def chunks(
    text: str, units: Sequence[Unit], *, count: Count, maximum: int, overlap: int
) -> list[tuple[int, int, int, int]]:
    """Return (start, core, end, tokens) of every chunk of ``text``.

    ``text[core:end]`` of the chunks cover the text; ``start`` lies up to ``overlap`` tokens before ``core``, at the
    beginning of a unit. No chunk has more than ``maximum`` tokens, counted on ``text[start:end]`` as it stands: where
    the tokens of the parts do not add up to those of the whole, a chunk is packed again with less in it.
    """
    if not units:
        return []
    limit = maximum - overlap
    special = min(count([""])[0], limit - 1)
    sizes = [max(1, unit.size - special) for unit in units]
    found: list[tuple[int, int, int, int]] = []
    begin = 0
    for end in pack(sizes, [unit.price for unit in units], maximum=max(1, limit - special)):
        found.extend(_fitted(text, units, sizes, begin, end, count, maximum, overlap))
        begin = end
    return found


def _fitted(
    text: str,
    units: Sequence[Unit],
    sizes: Sequence[int],
    begin: int,
    end: int,
    count: Count,
    maximum: int,
    overlap: int,
) -> list[tuple[int, int, int, int]]:
    found = []
    while begin < end:
        stop = end
        first = _overlapping(sizes, begin, overlap)
        tokens = count([text[units[first].start : units[stop - 1].end]])[0]
        while tokens > maximum and (first < begin or stop > begin + 1):
            if first < begin:
                first += 1
            else:
                stop = begin + max(1, min(stop - begin - 1, int((stop - begin) * _HARD)))
            tokens = count([text[units[first].start : units[stop - 1].end]])[0]
        found.append((units[first].start, units[begin].start, units[stop - 1].end, tokens))
        begin = stop
    return found


def _overlapping(sizes: Sequence[int], begin: int, overlap: int) -> int:
    """Return the first unit of the repeated part before unit ``begin``."""
    first, room = begin, overlap
    while first > 0 and sizes[first - 1] <= room:
        room -= sizes[first - 1]
        first -= 1
    return first
