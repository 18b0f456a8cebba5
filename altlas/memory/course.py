"""The course of a run: series against the number of requests, what they mean together, and its cause. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from altlas.memory.verdict import Answer, Verdict, judge, overall

# What every reading has, in bytes and in counts.
BYTES: Final = ("anon", "heap_in_use")
COUNTS: Final = ("python_blocks", "tensors", "graphs", "modules", "shapes", "threads", "descriptors")
# Growth per request that is nothing yet. A thing kept by one request in twenty is a leak.
COUNT_BUDGET: Final = 0.05
# Free lists and caches of Python and torch go on filling, ever more slowly, for the first thousand requests.
BLOCK_BUDGET: Final = 0.75
_MAPPINGS: Final = ("builtins.dict", "collections.OrderedDict")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What one process held after ``requests`` requests; ``values`` by series name."""

    requests: int
    values: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """The class of a leak, and what shows it."""

    name: str
    evidence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    answer: Answer
    verdicts: Mapping[str, Verdict]
    warm_after: int
    cause: Cause | None = None


@dataclass(kw_only=True, slots=True)
class Course:
    """Samples of one process, and the growth that a census found between the first and the last of them."""

    samples: list[Sample] = field(default_factory=list)
    census: Mapping[str, Any] = field(default_factory=dict)

    def series(self, name: str, *, after: int = 0) -> tuple[list[float], list[float]]:
        kept = [sample for sample in self.samples if sample.requests >= after and name in sample.values]
        return [float(sample.requests) for sample in kept], [float(sample.values[name]) for sample in kept]


def warm_after(samples: Sequence[Sample], *, share: float = 0.25) -> int:
    """Return the request after which the warm-up is over: no new shape in three samples in a row, and at least
    ``share`` of the run... unless shapes never come to rest, which is then for the verdict to say."""
    if not samples:
        return 0
    latest = samples[int(len(samples) * share)].requests
    for one, two, three in zip(samples, samples[1:], samples[2:], strict=False):
        shapes = {sample.values.get("shapes", 0) for sample in (one, two, three)}
        if len(shapes) == 1:
            return min(max(one.requests, samples[0].requests), latest)
    return latest


def find(course: Course, *, budget_bytes: float, names: Sequence[str] = (*BYTES, *COUNTS)) -> Finding:
    """Judge every series of ``course``; ``budget_bytes`` per request is for those in bytes."""
    after = warm_after(course.samples)
    verdicts = {}
    for name in names:
        x, y = course.series(name, after=after)
        budget = budget_bytes if name in BYTES else BLOCK_BUDGET if name == "python_blocks" else COUNT_BUDGET
        if x or name in BYTES:
            verdicts[name] = judge(x, y, budget=budget)
    answer = overall(list(verdicts.values()))
    cause = _cause(verdicts, course.census) if answer is Answer.LEAK else None
    return Finding(answer=answer, verdicts=verdicts, warm_after=after, cause=cause)


def _cause(verdicts: Mapping[str, Verdict], census: Mapping[str, Any]) -> Cause:
    """Return the most specific class: a kept model also keeps tensors, and kept tensors also keep bytes."""
    leaks = {name for name, verdict in verdicts.items() if verdict.answer is Answer.LEAK}

    def grows(name: str) -> str:
        return f"{name} {verdicts[name].slope:+.3g} per request"

    for series, name in (
        ("shapes", "shapes"), ("descriptors", "descriptors"), ("threads", "threads"), ("modules", "model reference"),
        ("graphs", "graphs"), ("tensors", "tensors"),
    ):  # fmt: skip
        if series in leaks:
            return Cause(name=name, evidence=_with_owner(grows(series), series, census))
    if "python_blocks" in leaks:
        containers = census.get("containers") or []
        longest = containers[0] if containers else None
        name = "python mapping" if longest and longest["type"] in _MAPPINGS else "python objects"
        where = f"; {longest['type']} {longest['owner']} grew by {longest['grown']}" if longest else ""
        return Cause(name=name, evidence=grows("python_blocks") + where)
    if "heap_in_use" in leaks:
        return Cause(name="native", evidence=f"{grows('heap_in_use')} while Python's blocks and tensors are flat")
    if "heap_in_use" not in verdicts:
        return Cause(name="memory", evidence=f"{grows('anon')}; the process does not tell what its heap holds")
    return Cause(name="fragmentation", evidence=f"{grows('anon')} while the heap in use is flat")


def _with_owner(evidence: str, series: str, census: Mapping[str, Any]) -> str:
    wanted = {"tensors": "torch.Tensor", "graphs": "torch.Tensor"}.get(series)
    for row in census.get("types") or []:
        held = row.get("held_by")
        if held and (row["type"] == wanted or (series == "modules" and "modeling" in row["type"])):
            return f"{evidence}; {row['type']} +{row['grown']}, held by {held}"
    return evidence
