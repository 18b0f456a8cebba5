"""The memory of the nodes' whole process trees, as the kernel counts it."""

from __future__ import annotations

import socket
from contextlib import suppress

import psutil

from altlas.kernel.verification import Inconclusive
from orchestrator.selectors import cache_state
from orchestrator.supervisor import memory

MB = 2**20
# A process by its pid and its name: a spare that takes a model is named after it from then on.
Part = tuple[int, str]


def node_pids() -> list[int]:
    """Return the pids of the node workers of this machine.

    Raises:
        Inconclusive: no node runs here, so nothing can be measured.
    """
    host = socket.gethostname()
    pids = [int(state["pid"]) for state in cache_state() if state.get("host") == host]
    alive = [pid for pid in pids if psutil.pid_exists(pid)]
    if not alive:
        raise Inconclusive("no node worker runs on this machine: run the verification where one does")
    return alive


def held(pids: list[int]) -> dict[Part, float]:
    """Return the private memory (USS) in MB of ``pids`` and of each process that descends from them."""
    parts: dict[Part, float] = {}
    for pid in pids:
        with suppress(psutil.Error):
            found = psutil.Process(pid)
            for process in (found, *found.children(recursive=True)):
                with suppress(psutil.Error):
                    name, told = process.name(), memory.held(process.pid)
                    if told:  # one that has ended since holds nothing, which is not what it held
                        parts[process.pid, name] = told["uss"] / MB
    return parts
