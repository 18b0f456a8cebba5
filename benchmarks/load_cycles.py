"""Does loading and unloading leave anything behind? Cycles with real processes; memory of the tree before and after.

BENCH_CYCLES=500 python -m benchmarks.load_cycles
"""

from __future__ import annotations

import gc
import os
import sys
import time

import psutil

from benchmarks.machine import at_rest, describe, table

CYCLES = int(os.environ.get("BENCH_CYCLES", "500"))
WARM = 20
ALLOWED = 0.02


def tree_pss() -> int:
    me = psutil.Process()
    return sum(process.memory_full_info().pss for process in [me, *me.children(recursive=True)])


def measure() -> tuple[list[list[str]], bool]:
    from tests.orchestrator.support import Scene, minilm, supervised, within

    spec = minilm()

    def cycle(scene: Scene) -> None:
        scene.supervisor.infer(spec, ["a sentence"], deadline=within(60))
        (replica,) = scene.replicas()
        scene.supervisor.unload(spec.key)
        while psutil.pid_exists(replica["pid"]) or scene.replicas():
            time.sleep(0.002)

    def settled(scene: Scene) -> tuple[float, int]:
        while not scene.supervisor.state()["spare"]:
            time.sleep(0.02)
        gc.collect()
        # The spare prepares itself while nobody needs the processors.
        return at_rest(tree_pss), len(psutil.Process().children(recursive=True))

    with supervised(preload="orchestrator.runner.preload") as scene:
        for _ in range(WARM):
            cycle(scene)
        scene.records.clear()
        (before, processes), begun = settled(scene), time.perf_counter()
        for _ in range(CYCLES):
            cycle(scene)
            scene.records.clear()
        seconds = time.perf_counter() - begun
        after, left = settled(scene)
    drift = after / before - 1
    rows = [
        ["memory of the tree (PSS)", f"{before / 1e6:.1f} MB", f"{after / 1e6:.1f} MB", f"{drift:+.2%}"],
        ["processes below this one", str(processes), str(left), ""],
        ["one cycle, mean", "", f"{seconds / CYCLES * 1000:.0f} ms", ""],
    ]
    return rows, abs(drift) <= ALLOWED and left == processes


def main() -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "altlas.settings")
    django.setup()
    rows, good = measure()
    print(table([f"{CYCLES} cycles", "before", "after", "change"], rows))
    print(f"\n{'within' if good else 'NOT within'} {ALLOWED:.0%} and without orphans; {describe()}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
