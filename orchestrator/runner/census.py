"""The deep look into a runner: which types and containers grow, who holds them, and which lines allocate.

Slow (it walks the whole heap, frozen objects too), so it is taken on request only: by ``manage.py memory``.
"""

from __future__ import annotations

import gc
import os
import sys
import tracemalloc
import types
from collections import Counter, OrderedDict, deque
from typing import Any, Final

from orchestrator.runner.memory import HEAP

_OWN: Final = ("tracemalloc.", "orchestrator.runner.census.")  # what looking itself makes
_CONTAINERS: Final = frozenset({dict, list, set, deque, OrderedDict})
_PASSING: Final = (types.FrameType, types.CellType, types.GeneratorType)  # hold things only while code runs
_LONG: Final = 64  # shorter containers are not looked at one by one
_SHOWN: Final = 6
_CHUNK: Final = 1000
_DEPTH: Final = 4


class Census:
    """Compares what is alive with what was alive at the first look; ``frozen``: the process freezes its heap."""

    def __init__(self, *, frozen: bool = True) -> None:
        self._frozen = frozen
        self._types: Counter[str] | None = None
        self._lengths: dict[int, int] = {}
        self._lines: tracemalloc.Snapshot | None = None

    def take(self, *, lines: bool) -> dict[str, Any]:
        """Return growth since the first census: ``types``, ``containers`` with owner, ``lines`` of the program.

        With ``lines`` allocations are traced from now on, which costs time and memory; the first such census has none.
        """
        with HEAP:
            gc.unfreeze()
            gc.collect()
            try:
                answer = self._take(gc.get_objects())
            finally:
                if self._frozen:
                    gc.collect()
                    gc.freeze()
        answer["lines"] = self._traced() if lines else []
        return answer

    def _take(self, objects: list[Any]) -> dict[str, Any]:
        kinds = Counter(_name(type(thing)) for thing in objects)
        long = {id(thing): thing for thing in objects if type(thing) in _CONTAINERS and len(thing) >= _LONG}
        long |= _untracked(objects)
        for own in (objects, self._lengths):
            long.pop(id(own), None)
        if self._types is None:
            self._types = kinds
            self._lengths = {key: len(thing) for key, thing in long.items()}
            self._lengths[id(kinds)] = len(kinds)
            return {"types": [], "containers": []}
        grown = [(len(thing) - self._lengths.get(key, 0), thing) for key, thing in long.items()]
        grown = sorted((pair for pair in grown if pair[0] > 0), key=lambda pair: -pair[0])[:_SHOWN]
        hidden = {id(own) for own in (objects, long, grown, kinds, *grown)}
        return {
            "types": [
                {"type": name, "count": count, "grown": more, "held_by": self._held_by(name, objects, hidden)}
                for name, more, count in self._growing(kinds)
            ],
            "containers": [
                {"type": _name(type(thing)), "length": len(thing), "grown": more, "owner": owner}
                for more, thing in grown
                if not (owner := _owner(thing, hidden)).startswith(_OWN)
            ],
        }

    def _growing(self, kinds: Counter[str]) -> list[tuple[str, int, int]]:
        before = self._types or Counter()
        found = [
            (name, count - before[name], count)
            for name, count in kinds.items()
            if count > before[name] and not name.startswith(_OWN)
        ]
        return sorted(found, key=lambda row: -row[1])[:_SHOWN]

    def _held_by(self, name: str, objects: list[Any], hidden: set[int]) -> str:
        """Return who keeps the youngest object of the type alive."""
        if name.startswith("builtins."):
            return ""  # one of so many says nothing; containers are looked at one by one
        youngest = next((thing for thing in reversed(objects) if _name(type(thing)) == name), None)
        return "" if youngest is None else _owner(youngest, hidden)

    def _traced(self) -> list[dict[str, Any]]:
        if not tracemalloc.is_tracing():
            tracemalloc.start()
            return []
        snapshot = tracemalloc.take_snapshot().filter_traces(
            [tracemalloc.Filter(False, tracemalloc.__file__), tracemalloc.Filter(False, __file__)]
        )
        if self._lines is None:
            self._lines = snapshot
            return []
        # Sorted by how much they changed, so lines that shrank must go before the first few are taken.
        grown = [found for found in snapshot.compare_to(self._lines, "lineno") if found.size_diff > 0]
        return [
            {
                "line": f"{_short(difference.traceback[0].filename)}:{difference.traceback[0].lineno}",
                "bytes": difference.size_diff,
                "blocks": difference.count_diff,
            }
            for difference in grown[:_SHOWN]
        ]


def _short(filename: str) -> str:
    """Return a file's path as its package has it: where this machine keeps its packages says nothing."""
    roots = sorted((root for root in (*sys.path, os.getcwd()) if root), key=len, reverse=True)  # noqa: PTH109
    return next((filename.removeprefix(f"{root}/") for root in roots if filename.startswith(f"{root}/")), filename)


def _untracked(objects: list[Any]) -> dict[int, Any]:
    """Return the long dicts that the collector does not know: those of strings and numbers alone."""
    found = {}
    for start in range(0, len(objects), _CHUNK):
        for thing in gc.get_referents(*objects[start : start + _CHUNK]):
            if type(thing) is dict and len(thing) >= _LONG and not gc.is_tracked(thing):
                found[id(thing)] = thing
    return found


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _owner(thing: Any, hidden: set[int], depth: int = _DEPTH) -> str:
    """Return the path by which ``thing`` is reached, such as ``module.NAME`` or ``Class.attribute[…]``."""
    found = gc.get_referrers(thing)
    hidden = hidden | {id(found), id(thing)}
    for referrer in found:
        if id(referrer) in hidden or isinstance(referrer, _PASSING):
            continue
        if isinstance(referrer, dict):
            key = next((key for key, value in referrer.items() if value is thing), None)
            holder = _holder(referrer)
            if holder:
                return f"{holder}.{key}"
        elif not isinstance(referrer, list | tuple | set | deque):
            return _name(type(referrer))
        if depth:
            return f"{_owner(referrer, hidden, depth - 1)}[…]"
    return "?"


def _holder(namespace: dict[Any, Any]) -> str:
    """Return whose ``__dict__`` this is: a module's name, or an object's type."""
    if "__spec__" in namespace and isinstance(namespace.get("__name__"), str):
        return str(namespace["__name__"])
    for referrer in gc.get_referrers(namespace):
        if getattr(referrer, "__dict__", None) is namespace:
            return _name(type(referrer))
    return ""
