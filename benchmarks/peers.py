"""The same model behind ALT_LAS and behind LitServe, and in this process, asked in turns by the same client.

LitServe serves the same weights by the same forward pass on one torch thread, in batches of up to sixteen that it waits
5 ms for. It checks no token, keeps no statistics and has no model to choose from; ALT_LAS does all of it for every
request. LitServe polls its queues while nobody asks, which would slow down whatever is measured beside it, so it is
suspended meanwhile; ALT_LAS runs on in LitServe's turns. What either takes when idle is in the table.

    python -m benchmarks.peers
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.connection import Call, Connection
from benchmarks.machine import describe, table
from benchmarks.orchestrator import (
    ROUNDS,
    SOURCE,
    TEXT,
    TWIN,
    call,
    eventually,
    forward,
    in_turns,
    loader,
    throughput,
)
from tests.support.stack import ROOT, free_port, running

CLIENTS, TURNS = (1, 4, 16), 3
OURS, PEER = "ALT_LAS", "LitServe"


@dataclass(frozen=True, slots=True)
class Door:
    """A server as its client sees it; inside ``alone`` it is measured."""

    call: Call
    alone: Callable[[], AbstractContextManager[None]] = nullcontext


def once(call: Call) -> None:
    with Connection(call) as ask:
        ask()


def overhead(model: Any, doors: dict[str, Door]) -> list[list[str]]:
    rows = []
    for name, door in doors.items():
        with door.alone(), Connection(door.call) as ask:
            found = in_turns({"in-process": partial(forward, model, [TEXT]), name: ask})
        limit, p50 = statistics.median(found["in-process"]), statistics.median(found[name])
        rows.append([f"one client: {name}", f"{p50:.2f} ms", f"+{p50 - limit:.2f} ms over {limit:.2f} ms"])
    return rows


def shares(model: Any, doors: dict[str, Door]) -> list[list[str]]:
    rows = []
    for clients in CLIENTS:
        rates: dict[str, list[float]] = {name: [] for name in doors}
        limits = []
        for _ in range(TURNS):
            for name, door in doors.items():
                with door.alone():
                    rates[name].append(throughput(door.call, clients=clients))
            with doors[OURS].alone():
                until, begun = time.perf_counter() + 2.0, time.perf_counter()
                passes = 0
                while time.perf_counter() < until:
                    forward(model, [TEXT] * clients)
                    passes += 1
                limits.append(passes * clients / (time.perf_counter() - begun))
        limit = statistics.median(limits)
        for name, found in rates.items():
            rate = statistics.median(found)
            rows.append(
                [f"{clients} clients: {name}", f"{rate:.0f}/s", f"{rate / limit:.2f} of {limit:.0f}/s in-process"]
            )
    return rows


@contextmanager
def suspended(tree: psutil.Process) -> Iterator[None]:
    processes = [tree, *tree.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def idle(tree: psutil.Process, seconds: float = 10.0) -> float:
    """Return the share of a core that a tree of processes takes while nobody asks, in percent."""
    processes = [tree, *tree.children(recursive=True)]

    def taken() -> float:
        return float(sum(sum(process.cpu_times()[:2]) for process in processes))

    begun = taken()
    time.sleep(seconds)
    return (taken() - begun) / seconds * 100


def memory(process: psutil.Process) -> float:
    """Return the PSS of a tree of processes in MB."""
    return sum(one.memory_full_info().pss for one in [process, *process.children(recursive=True)]) / 1e6


@contextmanager
def litserve() -> Iterator[tuple[str, psutil.Process]]:
    port = free_port()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "altlas.settings"}
    command = [sys.executable, "-m", "benchmarks.peer_litserve", str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as peer:
        tree = psutil.Process(peer.pid)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:

                def answers() -> bool:
                    assert peer.poll() is None, "LitServe has ended"
                    try:
                        return client.get("/health").status_code == 200
                    except httpx.TransportError:
                        return False

                eventually(answers)
            yield f"http://127.0.0.1:{port}", tree
        finally:
            if peer.poll() is None:
                for process in [*tree.children(recursive=True), tree]:
                    process.terminate()


def main() -> None:
    home = Path(ROOT) / ".altlas" / "bench-peers"
    shutil.rmtree(home, ignore_errors=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "altlas.settings")
    try:
        with (
            litserve() as (peer, tree),
            running(home, arguments=("--programs", "web,worker"), ALTLAS_MODEL_THREADS="1") as stack,
        ):
            ours, other = call(stack.url), Call(url=peer, path="/predict", body={"input": TEXT})
            body = {"name": TWIN, "task": "sentence-embedding", "source": SOURCE, "version": "1"}
            answer = httpx.post(f"{stack.url}/api/v1/models", json=body, headers=dict(ours.headers), trust_env=False)
            assert answer.status_code == 201, answer.text
            once(ours)
            model = loader()
            model.warm_up()
            time.sleep(20)  # a node runs the shapes of its passes when nobody asks
            doors = {OURS: Door(ours, alone=partial(suspended, tree)), PEER: Door(other)}
            once(other)
            rows = [*overhead(model, doors), *shares(model, doors)]
            once(replace(ours, body={**ours.body, "model": TWIN}))
            once(replace(other, path="/twin"))
            (worker,) = [process for process in stack.processes("worker") if "celery" in process.cmdline()]
            time.sleep(10)  # a node gives pages back once it is quiet
            rows.append(["memory with two models: node of ALT_LAS", f"{memory(worker):.0f} MB of PSS", ""])
            rows.append(["memory with two models: LitServe", f"{memory(tree):.0f} MB of PSS", ""])
            rows.append(
                ["idle: ALT_LAS, all its processes", f"{idle(psutil.Process(stack.process.pid)):.1f} % of a core", ""]
            )
            rows.append(["idle: LitServe", f"{idle(tree):.1f} % of a core", ""])
            print(table(["what", "", "against the model in-process"], rows))
            print(f"\n{ROUNDS} rounds in turns, rates in {TURNS} turns, one torch thread; {describe()}")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
