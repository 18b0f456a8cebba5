"""Make the data of the archive's benchmarks; an interrupted run goes on where it stopped.

nice -n 10 python -m benchmarks.archive_lab.load --rows 1000000
"""

from __future__ import annotations

import argparse
import time

from benchmarks.archive_lab.home import opened


def run(rows: int) -> None:
    from django.db import connection

    from archive import aggregates
    from benchmarks.archive_lab import data

    begun = time.perf_counter()
    connection.ensure_connection()
    data.load(rows, connection)
    data.naive_table(connection)
    print(f"statistics: {aggregates.refresh()}", flush=True)
    print(f"{rows:,} rows are there after {time.perf_counter() - begun:.0f} s", flush=True)


def command() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    with opened(rows):
        run(rows)


if __name__ == "__main__":
    command()
