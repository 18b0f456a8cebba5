"""The best segmentation of a sequence under a kernel cost: exact, by dynamic programming.

Cost of a segment: the scatter of its members around their mean in the kernel's feature space,
``sum k(a,a) - sum k(a,b) / length`` (Arlot, Celisse, Harchaoui, "A kernel multiple change-point algorithm via model
selection", JMLR 20, 2019). A segmentation costs the sum over its segments plus a penalty per segment, or has a
given number of segments.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class SegmentCosts:
    """Costs of all segments of a sequence of ``count`` items, each in constant time after a quadratic set-up."""

    def __init__(self, gram: FloatArray) -> None:
        self.count = len(gram)
        self._area = np.zeros((self.count + 1, self.count + 1))
        np.cumsum(np.cumsum(gram, axis=0), axis=1, out=self._area[1:, 1:])
        self._trace = np.concatenate(([0.0], np.cumsum(np.diag(gram))))

    def ending_at(self, end: int, first: int, last: int) -> FloatArray:
        """Return the costs of the segments ``start:end`` for ``start`` from ``first`` to ``last``, both included."""
        starts = np.arange(first, last + 1)
        area = self._area
        inside = area[end, end] - area[starts, end] - area[end, starts] + area[starts, starts]
        return np.asarray(self._trace[end] - self._trace[starts] - inside / (end - starts))

    def cost(self, start: int, end: int) -> float:
        return float(self.ending_at(end, start, start)[0])


def best_cuts(costs: SegmentCosts, *, prices: FloatArray, minimum: int, maximum: int) -> list[int]:
    """Return the inner cuts of the cheapest segmentation whose segments have ``minimum`` to ``maximum`` items.

    ``prices[i]`` is what a segment that begins at item ``i`` costs beside its scatter (the first one's is a constant).
    A sequence shorter than ``minimum`` is one segment. When no segmentation keeps both limits (11 items in segments
    of 4 to 5), the lower one gives way.
    """
    n = costs.count
    if n == 0:
        return []
    minimum = _feasible_minimum(n, minimum, maximum)
    best = np.full(n + 1, np.inf)
    best[0] = 0.0
    back = np.zeros(n + 1, dtype=np.int64)
    for end in range(minimum, n + 1):
        first, last = max(0, end - maximum), end - minimum
        total = best[first : last + 1] + costs.ending_at(end, first, last) + prices[first : last + 1]
        choice = int(np.argmin(total))
        best[end], back[end] = total[choice], first + choice
    return _trace_back(back, n)


def best_cuts_of(costs: SegmentCosts, *, segments: int, prices: FloatArray, minimum: int, maximum: int) -> list[int]:
    """Return the inner cuts of the cheapest segmentation into exactly ``segments`` parts (fewer when there are not
    enough items); the length limits give way when they cannot be kept with that number."""
    n = costs.count
    if n == 0:
        return []
    segments = max(1, min(segments, n))
    minimum = max(1, min(minimum, n // segments))
    maximum = max(maximum, -(-n // segments))
    best = np.full(n + 1, np.inf)
    best[0] = 0.0
    back = np.zeros((segments + 1, n + 1), dtype=np.int64)
    for number in range(1, segments + 1):
        following = np.full(n + 1, np.inf)
        for end in range(number * minimum, n + 1):
            first, last = max(0, end - maximum), end - minimum
            total = best[first : last + 1] + costs.ending_at(end, first, last) + prices[first : last + 1]
            choice = int(np.argmin(total))
            following[end], back[number, end] = total[choice], first + choice
        best = following
    cuts = []
    end = n
    for number in range(segments, 1, -1):
        end = int(back[number, end])
        cuts.append(end)
    return cuts[::-1]


def coarse_cuts(costs: SegmentCosts, cuts: list[int], *, segments: int) -> list[int]:
    """Return those ``segments - 1`` of ``cuts`` that make the cheapest segmentation of a coarser level."""
    edges = [0, *cuts, costs.count]
    last = len(edges) - 1
    segments = max(1, min(segments, last))
    best = np.full((segments + 1, last + 1), np.inf)
    best[0, 0] = 0.0
    back = np.zeros((segments + 1, last + 1), dtype=np.int64)
    for end in range(1, last + 1):
        spent = np.array([costs.cost(edges[start], edges[end]) for start in range(end)])
        for number in range(1, segments + 1):
            total = best[number - 1, :end] + spent
            choice = int(np.argmin(total))
            best[number, end], back[number, end] = total[choice], choice
    found = []
    end = last
    for number in range(segments, 1, -1):
        end = int(back[number, end])
        found.append(edges[end])
    return found[::-1]


def gains(costs: SegmentCosts, cuts: list[int]) -> FloatArray:
    """Return, per cut, how much dearer the two segments beside it would be as one."""
    edges = [0, *cuts, costs.count]
    return np.array(
        [
            costs.cost(edges[i - 1], edges[i + 1])
            - costs.cost(edges[i - 1], edges[i])
            - costs.cost(edges[i], edges[i + 1])
            for i in range(1, len(edges) - 1)
        ]
    )


def _feasible_minimum(n: int, minimum: int, maximum: int) -> int:
    minimum = max(1, min(minimum, maximum, n))
    while minimum > 1 and -(-n // maximum) > n // minimum:
        minimum -= 1
    return minimum


def _trace_back(back: npt.NDArray[np.int64], n: int) -> list[int]:
    cuts = []
    at = int(back[n])
    while at > 0:
        cuts.append(at)
        at = int(back[at])
    return cuts[::-1]
