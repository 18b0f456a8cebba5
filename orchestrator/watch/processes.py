"""Which processes belong to this node."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import psutil

from orchestrator.watch.readings import Reading, read


def collect(runners: Mapping[int, tuple[str, Mapping[str, Any]]], *, root: int | None = None) -> list[Reading]:
    """Return a reading of every process of this node: the runners (by pid: name and what they say of themselves) and
    all that descends from ``root``; default this process, or ``manage.py up`` when that started it."""
    found: list[Reading | None] = []
    numbers: Counter[str] = Counter()
    for pid, (name, told) in sorted(runners.items(), key=lambda pair: (pair[1][0], pair[0])):
        found.append(read(pid, kind="runner", name=_numbered(name, numbers), told=told))
    for process in _family(root):
        kind = _kind(process)
        if process.pid not in runners and kind != "runner":  # one that is loading or leaving is not judged
            found.append(read(process.pid, kind=kind, name=_numbered(kind, numbers)))
    return [reading for reading in found if reading is not None]


def _numbered(name: str, numbers: Counter[str]) -> str:
    numbers[name] += 1
    return name if numbers[name] == 1 else f"{name}#{numbers[name]}"


def _family(root: int | None) -> Iterator[psutil.Process]:
    with suppress(psutil.Error):
        top = psutil.Process(root or os.getpid())
        parent = top.parent() if root is None else None
        if parent is not None and {"manage.py", "up"} <= {word.rsplit("/", 1)[-1] for word in parent.cmdline()}:
            top = parent
        yield top
        yield from sorted(top.children(recursive=True), key=lambda process: process.pid)


def _kind(process: psutil.Process) -> str:
    try:
        words = process.cmdline()
        name = process.name()
    except psutil.Error:
        return "other"
    if name.startswith("runner "):
        return "runner"
    for word, kind in (
        ("granian", "web"), ("beat", "beat"), ("worker", "worker"), ("orchestrator.runner.forkserver", "forkserver"),
        ("up", "up"),
    ):  # fmt: skip
        if word in words:
            return kind
    return "web" if "granian" in name else "other"
