"""The deep look into a runner."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.support.stack import ROOT

# In an interpreter of its own: the look walks the whole heap, and that of a test run is large.
_PROGRAM = """
import json
from orchestrator.runner.census import Census

census = Census(frozen=False)
census.take(lines=True)  # begins to trace
held = {}
for number in range(10):  # each on a line of its own, as the tracer sees it
    exec(compile(f"held[{number}] = bytearray(1_000_000)", f"line-{number}.py", "exec"))
census.take(lines=True)
held.clear()
exec(compile("held['grown'] = bytearray(100_000)", "grown.py", "exec"))
print(json.dumps(census.take(lines=True)["lines"]))
"""


def test_lines_that_shrank_do_not_hide_one_that_grew() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = json.loads(done.stdout)
    assert any(row["line"] == "grown.py:1" for row in lines), lines
    assert all(row["bytes"] > 0 for row in lines)
