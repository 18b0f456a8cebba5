"""Which processes belong to this node."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress

import psutil

from orchestrator.supervisor.runner import RunnerProcess
from orchestrator.supervisor.spec import Key
from orchestrator.watch.readings import Reading, read


def collect(runners: Iterable[tuple[Key, RunnerProcess]]) -> list[Reading]:
    """Return a reading of every process of this node: the runners, this process and its children, and, where
    ``manage.py up`` started it, the web processes and beat beside it."""
    found: list[Reading | None] = []
    known: set[int] = set()
    numbers: Counter[str] = Counter()
    for key, runner in sorted(runners, key=lambda pair: (pair[0], pair[1].pid)):
        known.add(runner.pid)
        found.append(read(runner.pid, kind="runner", name=_numbered(str(key), numbers), told=runner.memory))
    for process in _family():
        if process.pid in known:
            continue
        kind = _kind(process)
        if kind != "runner":  # one that is loading or leaving is not judged
            found.append(read(process.pid, kind=kind, name=_numbered(kind, numbers)))
    return [reading for reading in found if reading is not None]


def _numbered(name: str, numbers: Counter[str]) -> str:
    numbers[name] += 1
    return name if numbers[name] == 1 else f"{name}#{numbers[name]}"


def _family() -> Iterator[psutil.Process]:
    here = psutil.Process(os.getpid())
    root = here
    with suppress(psutil.Error):
        parent = here.parent()
        if parent is not None and {"manage.py", "up"} <= {word.rsplit("/", 1)[-1] for word in parent.cmdline()}:
            root = parent
    with suppress(psutil.Error):
        yield root
        yield from sorted(root.children(recursive=True), key=lambda process: process.pid)


def _kind(process: psutil.Process) -> str:
    try:
        words = process.cmdline()
        name = process.name()
    except psutil.Error:
        return "other"
    if name.startswith("runner "):
        return "runner"
    if process.pid == os.getpid():
        return "worker"
    for word, kind in (
        ("granian", "web"), ("beat", "beat"), ("worker", "worker"), ("orchestrator.runner.forkserver", "forkserver"),
        ("up", "up"),
    ):  # fmt: skip
        if word in words:
            return kind
    return "web" if "granian" in name else "other"
