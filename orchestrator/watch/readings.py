"""What one process holds, read from /proc from outside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

# What a runner says of itself, beside what the kernel says of it.
TOLD: Final = (
    "heap_in_use", "heap_free", "python_blocks", "tensors", "tensor_bytes", "graphs", "modules", "shapes",
    "shapes_left",
)  # fmt: skip

KINDS: Final = ("web", "worker", "beat", "forkserver", "runner", "up", "other")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Bytes and counts of one process. ``kind`` is one of ``KINDS``; ``name`` is stable over restarts (a model
    version, or the kind with a number); ``told`` is empty for processes that say nothing."""

    kind: str
    name: str
    pid: int
    anon: int
    file: int
    uss: int
    pss: int
    threads: int
    descriptors: int
    told: Mapping[str, Any] = field(default_factory=dict)


def read(pid: int, *, kind: str, name: str, told: Mapping[str, Any] | None = None) -> Reading | None:
    """Return what ``pid`` holds now; None when it is gone or may not be looked at."""
    folder = Path("/proc") / str(pid)
    try:
        status = _fields((folder / "status").read_text())
        rollup = _fields((folder / "smaps_rollup").read_text())
        descriptors = len(os.listdir(folder / "fd"))  # noqa: PTH208  # no Path is needed for a count
    except OSError:
        return None
    if "RssAnon" not in status:
        return None  # a zombie has no memory map
    return Reading(
        kind=kind,
        name=name,
        pid=pid,
        anon=status["RssAnon"] * 1024,
        file=(status["RssFile"] + status.get("RssShmem", 0)) * 1024,
        uss=(rollup["Private_Clean"] + rollup["Private_Dirty"]) * 1024,
        pss=rollup["Pss"] * 1024,
        threads=status["Threads"],
        descriptors=descriptors,
        told=dict(told or {}),
    )


def _fields(text: str) -> dict[str, int]:
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            found[name] = int(words[0])
    return found
