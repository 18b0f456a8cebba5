"""Does a page cost more where the table has ten times the rows? Two tables on one machine, asked in turns.

Each size lives in an installation of its own, so each is asked by a process of its own; whatever else the machine does
hits both alike, as it would not in two runs after one another.

    python -m benchmarks.archive_lab.sizes --rows 1000000 10000000
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.archive_lab.home import ROOT, opened
from benchmarks.archive_lab.measure import summary
from benchmarks.machine import describe, table

STORED = ROOT / "docs" / "reports" / "data" / "arc-037-sizes.json"
Json = dict[str, Any]


def _serve(rows: int, pipe: Connection) -> None:
    """Answer the name of a call with the seconds that it took, until None comes."""
    with opened(rows):
        from archive import aggregates
        from archive.slow.own import largest_owner
        from benchmarks.archive_lab import questions

        aggregates.refresh()
        owner = largest_owner()
        assert owner is not None, f"load {rows:,} rows first: python -m benchmarks.archive_lab.load --rows {rows}"
        with questions.connected() as bare:
            calls = questions.pages_of_product(owner, bare)
            pipe.send(list(calls))
            while (name := pipe.recv()) is not None:
                begun = time.perf_counter()
                calls[name]()
                pipe.send(time.perf_counter() - begun)


@contextmanager
def _asked(rows: int) -> Iterator[Connection]:
    spawn = get_context("spawn")  # settings are read once per process, and each size has its own
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(rows, there), name=f"{rows} rows")
    process.start()
    there.close()
    try:
        yield here
        here.send(None)
    finally:
        here.close()
        process.join()


def measure(small: int, large: int, rounds: int, *, warm: int = 20) -> Json:
    """Ask both sizes for every page in turns; return the pages' times by number of rows."""
    with _asked(small) as of_small, _asked(large) as of_large:
        sizes = {small: of_small, large: of_large}
        names, _same = of_small.recv(), of_large.recv()
        times: dict[int, dict[str, list[float]]] = {rows: {name: [] for name in names} for rows in sizes}
        for turn in range(rounds + warm):
            for name in names:
                for rows, pipe in sizes.items():
                    pipe.send(name)
                    taken = pipe.recv()
                    if turn >= warm:
                        times[rows][name].append(taken)
    pages = {rows: {name: summary(taken) for name, taken in of.items()} for rows, of in times.items()}
    return {"machine": describe(), "pages": pages}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs=2, default=[1_000_000, 10_000_000], metavar=("SMALL", "LARGE"))
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    small, large = options.rows
    found = measure(small, large, options.rounds)
    STORED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    rows = [
        (name, f"{found['pages'][small][name]['p50_ms']:.2f}", f"{row['p50_ms']:.2f}",
         f"{row['p50_ms'] / found['pages'][small][name]['p50_ms']:.2f}")
        for name, row in found["pages"][large].items()
    ]  # fmt: skip
    print(table(("who", f"{small:,} rows, p50 ms", f"{large:,} rows", "ratio"), rows))


if __name__ == "__main__":
    main()
