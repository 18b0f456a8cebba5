"""Ways to measure: contenders in turns, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

Call = Callable[[], Any]


def quantile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]


def interleaved(calls: Mapping[str, Call], *, rounds: int, slow_above: float = 0.05) -> dict[str, list[float]]:
    """Return seconds of each call, by turns; one that takes long is asked in every tenth round only."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    first = {}
    for name, call in calls.items():  # warm, and tells which are slow
        call()
        begun = time.perf_counter()
        call()
        first[name] = time.perf_counter() - begun
    for turn in range(rounds):
        for name, call in calls.items():
            if first[name] > slow_above and turn % 10:
                continue
            begun = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - begun)
    return times


def summary(times: list[float]) -> dict[str, float]:
    return {
        "p50_ms": quantile(times, 0.5) * 1000,
        "p95_ms": quantile(times, 0.95) * 1000,
        "p99_ms": quantile(times, 0.99) * 1000,
        "runs": len(times),
    }


def while_running(work: Call, reader: Call) -> tuple[float, list[float]]:
    """Run ``work`` in a thread of its own and ``reader`` again and again meanwhile; return both kinds of seconds."""
    took: list[float] = []

    def run() -> None:
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)

    thread = threading.Thread(target=run)
    times: list[float] = []
    thread.start()
    while thread.is_alive():
        begun = time.perf_counter()
        reader()
        times.append(time.perf_counter() - begun)
        time.sleep(0.002)
    thread.join()
    return took[0], times
