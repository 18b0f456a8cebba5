"""The memory of the nodes' whole process trees, as the kernel counts it."""

from __future__ import annotations

import socket
from contextlib import suppress

import psutil

from altlas.kernel.verification import Inconclusive
from orchestrator.selectors import cache_state
from orchestrator.supervisor import memory

MB = 2**20


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


def held(pids: list[int]) -> tuple[float, int]:
    """Return the private memory (USS) of ``pids`` and all that descends from them in MB, and how many processes."""
    processes: set[int] = set()
    for pid in pids:
        with suppress(psutil.Error):
            found = psutil.Process(pid)
            processes |= {found.pid, *(child.pid for child in found.children(recursive=True))}
    return sum(memory.held(pid).get("uss", 0) for pid in processes) / MB, len(processes)
