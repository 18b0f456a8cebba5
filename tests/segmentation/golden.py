"""The golden sentences of ``tests/data`` and what the splitter makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "data"


@dataclass(frozen=True, kw_only=True, slots=True)
class Golden:
    kind: str
    text: str
    ends: tuple[int, ...]


def load(language: str) -> list[Golden]:
    found, kind = [], ""
    for line in (DATA / f"sentences_{language}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            kind = line[1:].strip()
            continue
        parts = line.replace("~", "\n").split("|")
        ends, at = [], 0
        for part in parts[:-1]:
            at += len(part)
            ends.append(at)
        found.append(Golden(kind=kind, text="".join(parts), ends=tuple(ends)))
    return found


def judge(cases: Sequence[Golden], split: Callable[[str], Sequence[int]]) -> tuple[Counter[str], list[Golden]]:
    """Return the number of right cases by class, and the wrong ones; ``split`` gives inner ends of sentences."""
    right: Counter[str] = Counter()
    wrong = []
    for case in cases:
        if tuple(split(case.text)) == case.ends:
            right[case.kind] += 1
        else:
            wrong.append(case)
    return right, wrong
