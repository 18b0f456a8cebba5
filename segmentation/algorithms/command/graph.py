"""The graph of the clauses of a command.

Edges point from what comes first to what comes after it. Every rule adds edges between neighbours in one direction
of time only, and an edge that would close a circle is dropped, so that the result is a DAG by construction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, pairwise

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
    condition: int | None = None
    for _, numbered in groupby(enumerate(clauses), key=lambda pair: pair[1].sentence):
        members = list(numbered)
        mains = [index for index, clause in members if clause.kind is Kind.MAIN]
        edges: list[Edge] = []
        for index, clause in members:
            if clause.kind is not Kind.MAIN:
                edges.extend(_subordinate(clauses, index, mains))
                condition = index if clause.kind is Kind.IF else condition
            elif clause.link is Link.OTHERWISE and condition is not None:
                edges.append(_otherwise(clauses, index, condition))
        # Edges between sentences point forward only: a circle can close inside one sentence only.
        found.extend(_acyclic(edges))
    found.extend(_chain(clauses, {frozenset((edge.source, edge.target)) for edge in found}))
    return sorted(found, key=lambda edge: (edge.source, edge.target))


def _subordinate(clauses: Sequence[Clause], index: int, mains: Sequence[int]) -> list[Edge]:
    clause = clauses[index]
    before, after = [i for i in mains if i < index], [i for i in mains if i > index]
    if clause.trailing and before:
        targets = before[-1:]
    elif clause.inserted:
        targets = before[-1:] + (after if clause.kind in _WIDE else [])
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


def _otherwise(clauses: Sequence[Clause], index: int, condition: int) -> Edge:
    return Edge(
        source=condition,
        target=index,
        type=EdgeType.CONDITION,
        evidence=clauses[index].evidence,
        confidence=clauses[index].confidence,
        negated=not clauses[condition].negated,
    )


def _chain(clauses: Sequence[Clause], known: set[frozenset[int]]) -> list[Edge]:
    """Tie every task to the one before it: by data when it takes its result, by order, or side by side."""
    found = []
    mains = [i for i, clause in enumerate(clauses) if clause.kind is Kind.MAIN]
    for last, this in pairwise(mains):
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
            found.append(Edge(source=last, target=this, type=type_, evidence=evidence, confidence=clause.confidence))
    # A subordinate task ("wash the rice, then soak it") may hand its result to the main one as well.
    return found


def _acyclic(edges: Sequence[Edge]) -> list[Edge]:
    """Return ``edges`` without those that would close a circle, in their order."""
    reached = {node: {node} for edge in edges for node in (edge.source, edge.target)}
    kept = []
    for edge in edges:
        if edge.source in reached[edge.target]:
            continue
        kept.append(edge)
        for nodes in reached.values():
            if edge.source in nodes:
                nodes |= reached[edge.target]
    return kept


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
