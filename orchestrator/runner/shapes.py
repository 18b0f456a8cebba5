"""The grid of tensor shapes that forward passes are padded to: pure, no torch.

oneDNN keeps a compiled primitive for every shape it has seen and the allocator keeps the blocks that each one needed,
so free shapes look like a leak for thousands of requests (docs/decisions/0033). The shapes of a grid are all warmed up,
and then nothing new is kept.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

LIMIT = 64
# Measured: one more pass through a small encoder costs as much as this many tokens in a pass that runs anyway.
PASS_TOKENS = 35
_LENGTHS = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256)


class Shape(NamedTuple):
    """Rows and tokens of one forward pass, padding included."""

    rows: int
    width: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Widths that lengths are padded to, and for each the numbers of rows that batches are padded to."""

    widths: tuple[int, ...]
    sizes: tuple[tuple[int, ...], ...]

    @classmethod
    def build(cls, *, max_tokens: int, token_bound: int, limit: int = LIMIT) -> Grid:
        """Return a grid of at most ``limit`` shapes for inputs of up to ``max_tokens`` tokens.

        A pass holds at most ``token_bound`` tokens, except for a single row that is longer by itself.
        """
        widths = _widths(max_tokens, most=limit // 2)
        return cls(widths=widths, sizes=_sizes(widths, token_bound=token_bound, limit=limit))

    def __len__(self) -> int:
        return sum(map(len, self.sizes))

    def shapes(self) -> list[Shape]:
        """Return every shape, the one that needs most memory first."""
        found = [Shape(rows, width) for width, sizes in zip(self.widths, self.sizes, strict=True) for rows in sizes]
        return sorted(found, key=lambda shape: (-shape.rows * shape.width, -shape.width))

    def like(self, shapes: Iterable[Shape]) -> list[Shape]:
        """Return the shapes that hold what another grid's ``shapes`` held; the one that needs most memory first."""
        found = {self.shape(min(rows, self.room(self.width(width))), width) for rows, width in shapes}
        return [shape for shape in self.shapes() if shape in found]

    def width(self, length: int) -> int:
        """Return the width of the bucket of ``length``; of the last one when it is longer than all."""
        return self.widths[min(bisect.bisect_left(self.widths, length), len(self.widths) - 1)]

    def room(self, width: int) -> int:
        """Return how many rows fit into a pass of ``width``, one of ``widths``."""
        return self.sizes[self.widths.index(width)][-1]

    def shape(self, rows: int, longest: int) -> Shape:
        """Return the smallest shape that holds ``rows`` rows of up to ``longest`` tokens.

        Raises:
            ValueError: more rows than a pass of that width takes.
        """
        width = self.width(longest)
        sizes = self.sizes[self.widths.index(width)]
        if rows > sizes[-1]:
            raise ValueError(f"{rows} rows of {width} tokens do not fit into one pass")
        return Shape(sizes[bisect.bisect_left(sizes, rows)], width)

    def take(self, lengths: Sequence[int]) -> int:
        """Return how many of the waiting rows, longest first, make the most useful next pass.

        Useful is what is computed on tokens that are there, against the whole pass and the fixed cost of one more.
        """
        width = self.width(lengths[0])
        sizes = self.sizes[self.widths.index(width)]
        best, chosen = -1.0, 1
        useful, done = 0, 0
        candidates = sorted({min(size, len(lengths)) for size in sizes})
        for count in candidates:
            useful += sum(lengths[done:count])
            done = count
            rows = sizes[bisect.bisect_left(sizes, count)]
            share = useful / (rows * width + PASS_TOKENS)
            if share > best:
                best, chosen = share, count
        return chosen


def in_use(passes: Mapping[Shape, int], *, share: float = 0.99) -> list[Shape]:
    """Return the fewest shapes that ``share`` of the forward passes had, by how many passes each of them had."""
    wanted = share * sum(passes.values())
    found, covered = list[Shape](), 0
    for shape in sorted(passes, key=lambda shape: -passes[shape]):
        if covered >= wanted:
            break
        found.append(shape)
        covered += passes[shape]
    return found


def _widths(max_tokens: int, *, most: int) -> tuple[int, ...]:
    widths = [width for width in _LENGTHS if width < max_tokens]
    step = 256
    while step * 2 < max_tokens:
        step *= 2
        widths.append(step)
    widths.append(max_tokens)
    while len(widths) > most:  # drop where the neighbours are closest: that costs the least padding
        at = min(range(1, len(widths) - 1), key=lambda i: widths[i + 1] / widths[i - 1])
        del widths[at]
    return tuple(widths)


def _sizes(widths: tuple[int, ...], *, token_bound: int, limit: int) -> tuple[tuple[int, ...], ...]:
    """Return the numbers of rows for each width: 1, the largest power of two that fits, and steps between them.

    The widest step is halved first, for it pads most; among equals the one of fewest tokens, for few short texts wait
    together most often, and a small shape keeps little memory.
    """
    found = [sorted({1, 1 << (max(1, token_bound // width).bit_length() - 1)}) for width in widths]
    while sum(map(len, found)) < limit:
        steps = [
            (-upper / lower, upper * width, lower, upper, sizes)
            for width, sizes in zip(widths, found, strict=True)
            for lower, upper in itertools.pairwise(sizes)
            if upper - lower > 1
        ]
        if not steps:
            break
        *_, lower, upper, sizes = min(steps, key=lambda step: step[:2])
        bisect.insort(sizes, _middle(lower, upper))
    return tuple(map(tuple, found))


def _middle(lower: int, upper: int) -> int:
    """Return the power of two nearest to the geometric mean; where there is none between, the arithmetic mean."""
    doublings = (upper // lower).bit_length() - 1
    return lower << (doublings // 2) if doublings > 1 else (lower + upper) // 2


class ShapeLog:
    """Which shapes this process has computed; its size is a metric with a bound."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, ...]] = set()

    def add(self, *shape: int) -> None:
        self._seen.add(shape)

    def __len__(self) -> int:
        return len(self._seen)


SEEN = ShapeLog()
