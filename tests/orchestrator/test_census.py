"""The deep look into a runner."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from orchestrator.runner.census import Census


@pytest.fixture
def tracing() -> Iterator[None]:
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("tracing")
def test_lines_that_shrank_do_not_hide_one_that_grew() -> None:
    census = Census(frozen=False)
    census.take(lines=True)  # begins to trace
    held = {}
    for number in range(10):  # each on a line of its own, as the tracer sees it
        exec(compile(f"held[{number}] = bytearray(1_000_000)", f"line-{number}.py", "exec"), {"held": held})
    census.take(lines=True)
    held.clear()
    held["grown"] = bytearray(100_000)
    lines = census.take(lines=True)["lines"]
    assert any(row["line"].startswith("tests/orchestrator/test_census.py:") for row in lines), lines
    assert all(row["bytes"] > 0 for row in lines)
