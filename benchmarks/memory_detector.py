"""Does the leak detector find what is there, and nothing else? Nine injected leaks and clean runs, at full length.

The faults are those of ``tests/memory/faults.py``, injected into real model processes with a small model.

    python -m benchmarks.memory_detector [--requests N] [--clean N] [--out docs/reports/data/seg-042]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "altlas.settings")

import django

django.setup()

from altlas.memory import records  # noqa: E402  # Django first
from benchmarks.machine import describe, table  # noqa: E402
from tests.memory.detector import FAULTS, run  # noqa: E402
from tests.orchestrator.support import MB, ROOT, supervised  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--clean", type=int, default=10, help="clean runs, each with a seed of its own")
    parser.add_argument("--budget", type=float, default=0.25, help="kB per request")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    budget = options.budget * 1024
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as made, supervised(preload="tests.memory.faults", budget=4096 * MB) as scene:
        folder = Path(made)
        subprocess.run([sys.executable, "-m", "altlas.memory.tiny", made, "32"], cwd=ROOT, check=True)
        for fault, seed in [*((fault, 0) for fault in FAULTS), *(("", seed) for seed in range(options.clean))]:
            found = run(scene, folder, fault=fault, seed=seed, requests=options.requests, budget=budget)
            cause = found.cause
            rows.append(
                {
                    "fault": fault, "seed": seed, "answer": found.answer.value,
                    "cause": cause.name if cause else "", "evidence": cause.evidence if cause else "",
                    "right": cause is not None and cause.name == FAULTS[fault] if fault else found.answer == "CLEAN",
                }
            )  # fmt: skip
            print(rows[-1], file=sys.stderr, flush=True)
    if options.out:
        record = {"kind": "detector", "requests": options.requests, "budget_bytes": budget, "rows": rows}
        records.write(options.out / "detector.json", record)
    print(f"{options.requests} requests a run, budget {options.budget} kB per request.\n")
    print(
        table(
            ["fault", "seed", "verdict", "cause named", "right"],
            ([row["fault"] or "none", row["seed"], row["answer"], row["cause"], row["right"]] for row in rows),
        )
    )
    print(f"\n{describe()}")
    return 0 if all(row["right"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
