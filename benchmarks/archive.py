"""What does a page of the archive cost, at any depth, against raw psycopg, DRF, django-ninja and the naive version?

Everything runs in process on one table, in turns. With ``--store`` the result is kept for the report:

    nice -n 10 python -m benchmarks.archive_lab.load --rows 1000000
    nice -n 10 python -m benchmarks.archive --rows 1000000 --store
    python -m benchmarks.archive_lab.report
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Collection
from typing import Any

from benchmarks.archive_lab.home import POSTGRES, ROOT, opened
from benchmarks.machine import describe, table

STORED = ROOT / "docs" / "reports" / "data"


def measure(rows: int, rounds: int, only: Collection[str] = (), kept: dict[str, Any] | None = None) -> dict[str, Any]:
    """Answer all questions, or those of ``only`` on top of the answers ``kept`` from an earlier run."""
    from archive.slow.own import largest_owner
    from benchmarks.archive_lab import load, questions, walks
    from benchmarks.archive_lab.data import owner as numbered

    load.run(rows)
    owner = largest_owner()
    assert owner is not None
    steps = {
        "pages": lambda: questions.pages(owner, rounds),
        "buffers": lambda: questions.buffers(owner),
        "naive_plans": lambda: questions.naive_plans(owner),
        "searches": lambda: questions.searches(owner, rounds // 2),
        "statistics": lambda: questions.statistics(owner, rounds),
        "walks": lambda: walks.under_writes(numbered(500)),
        "export": lambda: questions.export(owner),
        "capture": lambda: questions.capture_overhead(owner, rounds * 5),
        "hit_rate": lambda: questions.hit_rate(owner, 10),
        "ingest": lambda: questions.ingest(owner),
    }
    found: dict[str, Any] = {**(kept or {}), "rows": rows, "postgres": POSTGRES}
    for name, step in steps.items():
        if only and name not in only:
            continue
        begun = time.perf_counter()
        found[name] = step()
        print(f"{name}: {time.perf_counter() - begun:.0f} s", flush=True)
    found["machine"] = describe()
    return found


def show(found: dict[str, Any]) -> str:
    raw = found["pages"]["raw psycopg, first"]["p50_ms"]
    rows = [
        (name, f"{row['p50_ms']:.2f}", f"{row['p95_ms']:.2f}", f"{row['p50_ms'] / raw:.1f}", row["runs"])
        for name, row in found["pages"].items()
    ]
    return table(("50 records of the largest owner", "p50 ms", "p95 ms", "p50 / raw", "runs"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--store", action="store_true", help="Keep the result for docs/reports/arc-037.md.")
    parser.add_argument("--only", nargs="+", default=[], help="Ask these again; the rest of a kept result stays.")
    options = parser.parse_args()
    stored = STORED / f"arc-037-{options.rows}.json"
    kept = json.loads(stored.read_text(encoding="utf-8")) if options.only and stored.exists() else None
    with opened(options.rows):
        found = measure(options.rows, options.rounds, options.only, kept)
        if options.store:
            from benchmarks.archive_lab.questions import as_json

            STORED.mkdir(parents=True, exist_ok=True)
            stored.write_text(as_json(found) + "\n", encoding="utf-8")
    print(f"\n{options.rows:,} rows\n\n{show(found)}\n\n{found['machine']}; PostgreSQL: {', '.join(POSTGRES)}")


if __name__ == "__main__":
    main()
