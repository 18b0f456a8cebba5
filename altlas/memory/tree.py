"""The memory of a whole process tree over time, by memory_profiler's sampler."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from memory_profiler import memory_usage


@dataclass(kw_only=True, slots=True)
class TreeCurve:
    """Seconds since the start, requests done by then, and MiB of PSS of the tree: what is shared counts once."""

    seconds: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)


@contextmanager
def sampled_tree(root: int, *, done: Callable[[], int], every: float = 0.5) -> Iterator[TreeCurve]:
    """Sample the tree below ``root`` inside the block; ``done`` tells how many requests are through."""
    curve = TreeCurve()
    over = threading.Event()
    begun = time.monotonic()

    def sample() -> None:
        while not over.is_set():
            found = memory_usage(root, interval=0.05, timeout=0.05, max_usage=True, include_children=True,
                                 backend="psutil_pss")  # fmt: skip
            curve.seconds.append(round(time.monotonic() - begun, 2))
            curve.requests.append(done())
            curve.mebibytes.append(round(float(found), 2))
            over.wait(every)

    thread = threading.Thread(target=sample, name="tree-sampler", daemon=True)
    thread.start()
    try:
        yield curve
    finally:
        over.set()
        thread.join(10)
