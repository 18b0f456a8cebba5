"""``manage.py memory profile``: one load level, measured over the whole process tree and inside its processes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from altlas.memory.installation import Installation
from altlas.memory.load import LEVELS, Load
from altlas.memory.tree import sampled_tree
from orchestrator import services as orchestrator

_WARM_UP = 40


def profile(
    place: Installation,
    *,
    level: str,
    requests: int,
    model: str,
    account: tuple[str, str],
    say: Callable[[str], Any],
    lines: bool = True,
) -> dict[str, Any]:
    """Return the record of one level: the tree's curve, each process before and after, and what grew in the processes
    that hold models and work: by line (tracemalloc), by type with the referrers, and the tensors.

    Raises:
        CommandError: no node holds the model after the warm-up.
    """
    clients = LEVELS[level]
    load = Load(url=place.url, account=account, clients=clients, model=model, seed=1)
    load.run(_WARM_UP, every=_WARM_UP, at=lambda _done: None)
    node = place.node_with(model)
    for _ in range(2 if lines else 1):  # with lines, the first census only begins to trace
        orchestrator.model_census(model=model, node=node, lines=lines)
    before = {reading.name: asdict(reading) for reading in place.readings()}
    load.answers.clear()
    done = 0

    def at(number: int) -> None:
        nonlocal done
        done = number
        say(f"{level}: {number}/{requests} requests")

    begun = time.monotonic()
    with sampled_tree(place.root, done=lambda: sum(load.answers.values())) as curve:
        load.run(requests, every=max(1, requests // 10), at=at, seed=1)
    seconds = time.monotonic() - begun
    growth = orchestrator.model_census(model=model, node=node, lines=lines)
    told = growth["runner"]["memory"]
    return {
        "kind": "profile",
        "level": level,
        "clients": clients,
        "requests": requests,
        "failed": load.failed,
        "seconds": round(seconds, 2),
        "model": model,
        "curve": asdict(curve),
        "before": before,
        "after": {reading.name: asdict(reading) for reading in place.readings()},
        "told": told,
        "growth": growth,
    }
