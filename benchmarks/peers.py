"""The same model behind ALT_LAS and behind LitServe, and in this process, asked in turns by the same client.

LitServe serves the same weights by the same forward pass on one torch thread, in batches of up to sixteen that it waits
5 ms for. It checks no token, keeps no statistics and has no model to choose from; ALT_LAS does all of it for every
request.

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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.machine import describe, table
from benchmarks.orchestrator import (
    ROUNDS,
    SOURCE,
    TEXT,
    TWIN,
    ask,
    eventually,
    forward,
    in_turns,
    loader,
    logged_in,
    throughput,
)
from tests.support.stack import ROOT, free_port, running

CLIENTS, TURNS = (1, 4, 16), 3
Ask = Callable[[httpx.Client], None]


def ask_litserve(client: httpx.Client, path: str = "/predict") -> None:
    answer = client.post(path, json={"input": TEXT})
    assert answer.status_code == 200, answer.text


def overhead(model: Any, doors: dict[str, tuple[httpx.Client, Ask]]) -> list[list[str]]:
    ways: dict[str, Callable[[], Any]] = {"in-process": lambda: forward(model, [TEXT])}
    ways |= {name: lambda client=client, door=door: door(client) for name, (client, door) in doors.items()}  # type: ignore[misc]
    found = in_turns(ways)
    limit = statistics.median(found["in-process"])
    return [
        [f"one client: {name}", f"{(p50 := statistics.median(values)):.2f} ms", f"+{p50 - limit:.2f} ms"]
        for name, values in found.items()
    ]


def shares(model: Any, doors: dict[str, tuple[httpx.Client, Ask]]) -> list[list[str]]:
    rows = []
    for clients in CLIENTS:
        rates: dict[str, list[float]] = {name: [] for name in doors}
        limits = []
        for _ in range(TURNS):
            for name, (client, door) in doors.items():
                rates[name].append(throughput(str(client.base_url), dict(client.headers), clients=clients, ask=door))
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
            httpx.Client(base_url=peer, trust_env=False, timeout=60) as other,
            logged_in(stack.url) as ours,
        ):
            body = {"name": TWIN, "task": "sentence-embedding", "source": SOURCE, "version": "1"}
            assert ours.post("/api/v1/models", json=body).status_code == 201
            ask(ours)
            model = loader()
            model.warm_up()
            time.sleep(20)  # a node runs the shapes of its passes when nobody asks
            doors: dict[str, tuple[httpx.Client, Ask]] = {
                "ALT_LAS": (ours, ask),
                "LitServe": (other, ask_litserve),
            }
            rows = [*overhead(model, doors), *shares(model, doors)]
            ask(ours, TWIN)
            ask_litserve(other, "/twin")
            (worker,) = [process for process in stack.processes("worker") if "celery" in process.cmdline()]
            time.sleep(10)  # a node gives pages back once it is quiet
            rows.append(["memory with two models: node of ALT_LAS", f"{memory(worker):.0f} MB of PSS", ""])
            rows.append(["memory with two models: LitServe", f"{memory(tree):.0f} MB of PSS", ""])
            print(table(["what", "", "against the model in-process"], rows))
            print(f"\n{ROUNDS} rounds in turns, rates in {TURNS} turns, one torch thread; {describe()}")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
