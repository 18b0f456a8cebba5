"""Going through the matrix, and the results of tests that it leans on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from authgateway.audit.rows import ROWS, Row

Results = Mapping[str, str]  # test name without its parameters -> passed, failed or skipped


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    row: Row
    setting: str
    setting_ok: bool | None
    test: str  # passed, failed, not run, or none (no test is named)

    @property
    def state(self) -> str:
        if self.setting_ok is False or self.test == "failed":
            return "fails"
        if self.test == "not run" or (self.row.check is not None and self.setting_ok is None):
            return "open"
        return "holds"


def audit(results: Results) -> list[Verdict]:
    return [_verdict(row, results) for row in ROWS]


def _verdict(row: Row, results: Results) -> Verdict:
    finding = row.check() if row.check is not None else None
    return Verdict(
        row=row,
        setting=finding.shown if finding else "",
        setting_ok=finding.ok if finding else None,
        test=_outcome(row, results),
    )


def _outcome(row: Row, results: Results) -> str:
    if not row.tests:
        return "none"
    outcomes = {name: [end for test, end in results.items() if test.startswith(name)] for name in row.tests}
    if any("failed" in ends for ends in outcomes.values()):
        return "failed"
    return "passed" if all("passed" in ends for ends in outcomes.values()) else "not run"


def from_junit(path: Path) -> dict[str, str]:
    """Return the results in a file that ``pytest --junitxml`` wrote.

    Raises:
        ValueError: it is no such file.
    """
    try:
        # Our own test runner's file, not one that came over the network.
        root = ElementTree.parse(path).getroot()  # noqa: S314
    except ElementTree.ParseError as exc:
        raise ValueError(f"{path} is not a JUnit file: {exc}") from None
    found: dict[str, str] = {}
    for case in root.iter("testcase"):
        name = str(case.get("name", "")).partition("[")[0]
        kinds = {child.tag for child in case}
        end = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        # One failed parameter fails the test; a passed one is more than a skipped one.
        if found.get(name) != "failed" and (end != "skipped" or name not in found):
            found[name] = end
    return dict(sorted(found.items()))


def merged(runs: Sequence[Results]) -> dict[str, str]:
    """Return the results of several runs, the later one where two ran the same test."""
    found: dict[str, str] = {}
    for run in runs:
        found |= run
    return dict(sorted(found.items()))


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def as_rows(verdicts: list[Verdict]) -> list[dict[str, Any]]:
    """Return the matrix for machines."""
    return [
        {
            "standard": verdict.row.standard,
            "id": verdict.row.id,
            "requirement": verdict.row.requirement,
            "setting": verdict.setting,
            "tests": list(verdict.row.tests),
            "last_result": verdict.test,
            "state": verdict.state,
        }
        for verdict in verdicts
    ]
