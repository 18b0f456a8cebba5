"""One line about the machine that a table was measured on, and the shape of the tables."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import psutil


def describe() -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, "
        f"load average {os.getloadavg()[0]:.1f} at the end"
    )


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def at_rest(measure: Callable[[], float], *, seconds: int = 4, least: int = 1, within: float = 0.003) -> float:
    """Return what ``measure`` says once it has not moved for ``seconds``, after ``least`` of them at the earliest.

    Raises:
        TimeoutError: it still moves after two minutes.
    """
    found: list[float] = []
    while len(found) < 120:
        time.sleep(1.0)
        found.append(measure())
        last = found[-seconds - 1 :]
        if len(found) > max(least, seconds) and max(last) - min(last) <= within * max(last):
            return found[-1]
    raise TimeoutError(f"still moving: {last}")
