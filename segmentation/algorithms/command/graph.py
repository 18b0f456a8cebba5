"""The graph of the clauses of a command.

Edges point from what comes first to what comes after it. Every rule adds edges between neighbours in one direction
of time only, and ``_acyclic`` drops an edge that would close a circle, so that the result is a DAG by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from segmentation.algorithms.command.clauses import Clause, Kind, Link, Piece, Role


class EdgeType(StrEnum):
    SEQUENCE = "sequence"
    CONDITION = "condition"
    PRECONDITION = "precondition"
    DATA = "data"
    PARALLEL = "parallel"
    REPETITION = "repetition"


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """From task ``source`` to task ``target``; ``negated``: when the condition does not hold."""

    source: int
    target: int
    type: EdgeType
    evidence: Piece | None
    confidence: float
    negated: bool = False


_SUBORDINATE = {
    Kind.IF: EdgeType.CONDITION,
    Kind.WHILE: EdgeType.PARALLEL,
    Kind.AFTER: EdgeType.PRECONDITION,
    Kind.BEFORE: EdgeType.PRECONDITION,
    Kind.EACH: EdgeType.REPETITION,
}
_WIDE = (Kind.IF, Kind.EACH)  # govern every task of their sentence that follows


def edges_of(clauses: Sequence[Clause]) -> list[Edge]:
    """Return the edges between ``clauses``, numbered by their order."""
    found: list[Edge] = []
    for index, clause in enumerate(clauses):
        if clause.kind is not Kind.MAIN:
            found.extend(_subordinate(clauses, index))
        elif clause.link is Link.OTHERWISE:
            found.extend(_otherwise(clauses, index))
    found.extend(_chain(clauses, {frozenset((edge.source, edge.target)) for edge in found}))
    return _acyclic(found, len(clauses))


def _subordinate(clauses: Sequence[Clause], index: int) -> list[Edge]:
    clause = clauses[index]
    mains = [i for i, other in enumerate(clauses) if other.kind is Kind.MAIN and other.sentence == clause.sentence]
    before, after = [i for i in mains if i < index], [i for i in mains if i > index]
    if clause.trailing and before:
        targets = before[-1:]
    elif clause.kind in _WIDE:
        targets = []
        for place in after:
            if clauses[place].link is Link.OTHERWISE:
                break
            targets.append(place)
    else:
        targets = after[:1] or before[-1:]
    return [_edge(clause, index, target) for target in targets or before[-1:]]


def _edge(clause: Clause, index: int, target: int) -> Edge:
    source, goal = (target, index) if clause.kind is Kind.BEFORE else (index, target)
    return Edge(
        source=source,
        target=goal,
        type=_SUBORDINATE[clause.kind],
        evidence=clause.evidence,
        confidence=clause.confidence,
        negated=clause.negated,
    )


def _otherwise(clauses: Sequence[Clause], index: int) -> list[Edge]:
    conditions = [i for i in range(index) if clauses[i].kind is Kind.IF]
    if not conditions:
        return []
    evidence = clauses[index].evidence
    source = conditions[-1]
    negated = not clauses[source].negated
    return [
        Edge(
            source=source,
            target=index,
            type=EdgeType.CONDITION,
            evidence=evidence,
            confidence=clauses[index].confidence,
            negated=negated,
        )
    ]


def _chain(clauses: Sequence[Clause], known: set[frozenset[int]]) -> list[Edge]:
    """Tie every task to the one before it: by data when it takes its result, by order, or side by side."""
    found = []
    mains = [i for i, clause in enumerate(clauses) if clause.kind is Kind.MAIN]
    for last, this in zip(mains, mains[1:], strict=False):
        clause = clauses[this]
        between = [clauses[place].link for place in range(last + 1, this)]
        if clause.link is Link.OTHERWISE:
            continue
        type_, evidence = EdgeType.PARALLEL, clause.evidence
        if clause.data is not None:
            type_, evidence = EdgeType.DATA, clause.data
        elif Link.THEN in (clause.link, *between):
            type_ = EdgeType.SEQUENCE
        if frozenset((last, this)) not in known:
            found.append(
                Edge(source=last, target=this, type=type_, evidence=evidence, confidence=clause.confidence)
            )
    # A subordinate task ("wash the rice, then soak it") may hand its result to the main one as well.
    return found


def _acyclic(edges: Sequence[Edge], count: int) -> list[Edge]:
    """Return ``edges`` without those that would close a circle, in their order."""
    reached: list[set[int]] = [{node} for node in range(count)]
    kept = []
    for edge in edges:
        if edge.source in reached[edge.target]:
            continue
        kept.append(edge)
        for node in range(count):
            if edge.source in reached[node]:
                reached[node] |= reached[edge.target]
    return sorted(kept, key=lambda edge: (edge.source, edge.target))


def with_data(clauses: Sequence[Clause], edges: Sequence[Edge]) -> list[Edge]:
    """Turn the precondition of a subordinate task into data flow when the main task takes its result."""
    return [
        Edge(
            source=edge.source,
            target=edge.target,
            type=EdgeType.DATA,
            evidence=clauses[edge.target].data,
            confidence=edge.confidence,
        )
        if edge.type is EdgeType.PRECONDITION
        and clauses[edge.source].kind is Kind.AFTER
        and clauses[edge.source].role is Role.TASK
        and clauses[edge.target].data is not None
        else edge
        for edge in edges
    ]
