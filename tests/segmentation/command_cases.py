"""The command cases of ``tests/data``: reading them and scoring a plan against them.

Rules of the marking: docs/segmentation.md, "How the command cases are marked".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segmentation.algorithms.command.clauses import Role
from segmentation.algorithms.command.parse import Plan, parse_command

DATA = Path(__file__).resolve().parents[1] / "data"
_MARK = re.compile(r"(?P<open>[\[{])(?:(?P<number>\d):)?|(?P<close>[\]}])")


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """``pieces[i]`` is (start, end, number of the segment); ``tasks`` counts the segments that are no conditions."""

    id: str
    kind: str
    half: str
    text: str
    pieces: list[tuple[int, int, int]]
    tasks: int
    edges: set[tuple[int, int, str]]


def load(language: str) -> list[Case]:
    lines = (DATA / f"commands_{language}.jsonl").read_text(encoding="utf-8").splitlines()
    return [_case(json.loads(line)) for line in lines[1:]]


def _case(row: dict[str, Any]) -> Case:
    text, pieces = "", []
    tasks = number = 0
    at, begin, owner = 0, 0, 0
    for match in _MARK.finditer(row["marked"]):
        text += row["marked"][at : match.start()]
        at = match.end()
        if match["open"]:
            begin = len(text)
            if match["number"]:
                owner = int(match["number"])
            else:
                owner, number = number, number + 1
                tasks += match["open"] == "["
        else:
            pieces.append((begin, len(text), owner))
    text += row["marked"][at:]
    edges = {(source, target, type_) for source, target, type_ in row["edges"]}
    return Case(id=row["id"], kind=row["class"], half=row["half"], text=text, pieces=pieces, tasks=tasks, edges=edges)


@dataclass(kw_only=True)
class Score:
    """Counts over cases; a boundary is right when it lies between the two pieces that it parts."""

    cases: int = 0
    right: int = 0
    cuts: int = 0
    wanted: int = 0
    exact: int = 0
    edges_right: int = 0
    edges_found: int = 0
    edges_wanted: int = 0
    singles: int = 0
    split: int = 0
    failed: list[str] = field(default_factory=list)

    @property
    def boundary_f1(self) -> float:
        return 200 * self.right / max(self.cuts + self.wanted, 1)

    @property
    def exact_count(self) -> float:
        return 100 * self.exact / max(self.cases, 1)

    @property
    def edge_f1(self) -> float:
        return 200 * self.edges_right / max(self.edges_found + self.edges_wanted, 1)

    @property
    def false_splits(self) -> float:
        return 100 * self.split / max(self.singles, 1)

    def add(self, case: Case, plan: Plan) -> None:
        cuts = [span.end for span in plan.spans[:-1]]
        gaps = [(a[1], b[0]) for a, b in zip(case.pieces, case.pieces[1:], strict=False)]
        right = sum(any(low <= cut <= high for cut in cuts) for low, high in gaps)
        tasks = sum(task.role is Role.TASK for task in plan.tasks)
        edges = {(edge.source, edge.target, edge.type.value) for edge in plan.edges}
        self.cases += 1
        self.right += right
        self.cuts += len(cuts)
        self.wanted += len(gaps)
        self.exact += tasks == case.tasks
        self.edges_right += len(edges & case.edges)
        self.edges_found += len(edges)
        self.edges_wanted += len(case.edges)
        if len(case.pieces) == 1:
            self.singles += 1
            self.split += bool(cuts)
        if right != len(gaps) or len(cuts) != len(gaps) or tasks != case.tasks or edges != case.edges:
            self.failed.append(case.id)


def score(cases: Iterable[Case], language: str) -> Score:
    found = Score()
    for case in cases:
        found.add(case, parse_command(case.text, language))
    return found
