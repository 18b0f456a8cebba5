"""Search: by words, by meaning, or both."""

# ruff: noqa: S608  # names come from fixed lists; values are parameters

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from archive import highlight, words
from archive.conf import conf
from archive.database import Row, fetch
from archive.deadlines import Deadline
from archive.embedding import embed_query
from archive.exceptions import SemanticUnavailable
from archive.facets import Facets, facets
from archive.filters import RecordFilters
from archive.fusion import fuse
from archive.keyset import Clause
from archive.metrics import SEARCH_DEGRADED

# Rows that each leg of a hybrid search hands to the fusion.
_LEG = 100
# Characters of a text in which matches are marked.
_MARKED = 10_000
Scores = Mapping[UUID, float]


class Mode(StrEnum):
    TEXT = "text"
    SEMANTIC = "semantic"
    HYBRID = "hybrid"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    id: UUID
    kind: str
    status: str
    title: str
    tags: tuple[str, ...]
    language: str
    success_rate: float | None
    created_at: datetime
    score: float
    scores: Mapping[str, float]
    highlight: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """``degraded`` names the legs that could not take part; ``facets`` are there when they were asked for."""

    mode: Mode
    hits: tuple[Hit, ...]
    degraded: tuple[str, ...] = ()
    facets: Facets | None = None


def search(*, query: str, filters: RecordFilters, mode: Mode, limit: int, with_facets: bool = False) -> Answer:
    """Return the best ``limit`` records; facets are of all that the words match (of all filtered, for semantic).

    Raises:
        SemanticUnavailable: mode is semantic and the query cannot be embedded; a hybrid search goes on with words.
    """
    legs: dict[str, Scores] = {}
    degraded: tuple[str, ...] = ()
    vector: Sequence[float] | None = None
    if mode is not Mode.TEXT:
        # Before the transaction: a model may take its time, and a connection is dear.
        try:
            vector = embed_query(query)
        except SemanticUnavailable:
            if mode is Mode.SEMANTIC:
                raise
            degraded = ("semantic",)
            SEARCH_DEGRADED.labels("semantic").inc()
    wanted = max(limit, _LEG) if mode is Mode.HYBRID else limit
    deadline = Deadline.within(conf.search_timeout)
    if mode is not Mode.SEMANTIC:
        legs["text"] = _by_words(query, filters, wanted, deadline)
    if vector is not None:
        legs["semantic"] = _by_meaning(vector, filters, wanted, deadline)
    fused = fuse([list(leg) for leg in legs.values()]) if mode is Mode.HYBRID else next(iter(legs.values()))
    best = dict(list(fused.items())[:limit])
    return Answer(
        mode=mode,
        hits=_hits(best, legs, query, deadline),
        degraded=degraded,
        facets=facets(filters, words="" if mode is Mode.SEMANTIC else query, deadline=deadline)
        if with_facets
        else None,
    )


def _by_words(query: str, filters: RecordFilters, limit: int, deadline: Deadline) -> Scores:
    return dict(fetch(*by_words_sql(query, filters, limit), deadline=deadline))


def by_words_sql(query: str, filters: RecordFilters, limit: int) -> Clause:
    """Return the search by words as SQL and its parameters."""
    # Ranking reads every match's vector, so for common words only the newest matches are ranked.
    expression, terms = words.expression(query)
    where, parameters = filters.clause()
    return (
        f"SELECT id, ts_rank(search, query, 1) AS score FROM (SELECT id, search, {expression} AS query "
        f"FROM archive_record WHERE {where} AND search @@ {expression} "
        "ORDER BY created_at DESC, id DESC LIMIT %s) AS newest "
        "ORDER BY score DESC, id DESC LIMIT %s",
        [*terms, *parameters, *terms, conf.rank_candidates, limit],
    )


def _by_meaning(vector: Sequence[float], filters: RecordFilters, limit: int, deadline: Deadline) -> Scores:
    literal = "[" + ",".join(map(repr, map(float, vector))) + "]"
    where, parameters = filters.clause()
    clause: Clause = (f"{where} AND embedding IS NOT NULL", parameters)
    if not _few(filters.owner_id, deadline):
        rows = _nearest(literal, clause, limit, deadline)
        # The index gives up after hnsw.max_scan_tuples; fewer rows than asked for may not be all there are.
        if len(rows) >= limit:
            return _similarities(rows)
    return _similarities(_nearest_exactly(literal, clause, limit, deadline))


def _few(owner_id: UUID | None, deadline: Deadline) -> bool:
    if owner_id is None:
        return False
    counted = fetch(
        "SELECT count(*) FROM (SELECT 1 FROM archive_record WHERE owner_id = %s AND deleted_at IS NULL "
        "AND embedding IS NOT NULL LIMIT %s) AS embedded",
        [owner_id, conf.exact_below],
        deadline=deadline,
    )
    return bool(counted[0][0] < conf.exact_below)


# Without sorting, the planner has no way but the vector index; the iterative scan goes on until filters leave enough.
_THROUGH_INDEX = {"hnsw.iterative_scan": "relaxed_order", "hnsw.ef_search": "100", "enable_sort": "off"}


def _nearest(literal: str, where: Clause, limit: int, deadline: Deadline) -> list[Row]:
    return fetch(
        f"SELECT id, embedding <=> %s::halfvec AS distance FROM archive_record WHERE {where[0]} "
        "ORDER BY embedding <=> %s::halfvec LIMIT %s",
        [literal, *where[1], literal, limit],
        deadline=deadline,
        planner=_THROUGH_INDEX,
    )


def _nearest_exactly(literal: str, where: Clause, limit: int, deadline: Deadline) -> list[Row]:
    # "+ 0" keeps the planner from the vector index, which may return fewer rows than there are.
    return fetch(
        f"SELECT id, embedding <=> %s::halfvec AS distance FROM archive_record WHERE {where[0]} "
        "ORDER BY (embedding <=> %s::halfvec) + 0, id LIMIT %s",
        [literal, *where[1], literal, limit],
        deadline=deadline,
        planner={"enable_sort": "on"},
    )


def _similarities(rows: Sequence[Row]) -> Scores:
    # A zero vector has no direction: its distance is NaN, and it is like nothing.
    ordered = sorted((row for row in rows if not math.isnan(row[1])), key=lambda row: (row[1], row[0]))
    return {row[0]: 1 - row[1] for row in ordered}


def _hits(scores: Scores, legs: Mapping[str, Scores], query: str, deadline: Deadline) -> tuple[Hit, ...]:
    if not scores:
        return ()
    expression, terms = words.expression(query)
    marks = f"'HighlightAll=true, StartSel={highlight.START}, StopSel={highlight.STOP}'"
    rows = fetch(
        "SELECT id, kind, status, title, tags, language, success_rate, created_at, body, "
        "ts_headline(CASE WHEN turkish THEN 'pg_catalog.turkish'::regconfig ELSE 'pg_catalog.english'::regconfig END, "
        f"archive_fold(body, CASE WHEN turkish THEN 'tr' ELSE '' END), {expression}, {marks}), "
        f"ts_headline('pg_catalog.simple', archive_plain(body), {expression}, {marks}) "
        "FROM (SELECT *, language = '' OR language = 'tr' OR language LIKE 'tr-%%' AS turkish, "
        "translate(left(text, %s), %s, '  ') AS body FROM archive_record WHERE id = ANY(%s)) AS found",
        [*terms, *terms, _MARKED, highlight.START + highlight.STOP, list(scores)],
        deadline=deadline,
    )
    found = {row[0]: row for row in rows}
    return tuple(_hit(found[key], score, legs) for key, score in scores.items() if key in found)


def _hit(row: Row, score: float, legs: Mapping[str, Scores]) -> Hit:
    body = row[8]
    marked = highlight.merged(highlight.spans(copy, length=len(body)) for copy in row[9:11])
    return Hit(
        id=row[0],
        kind=row[1],
        status=row[2],
        title=row[3],
        tags=tuple(row[4]),
        language=row[5],
        success_rate=row[6],
        created_at=row[7],
        score=score,
        scores={name: leg[row[0]] for name, leg in legs.items() if row[0] in leg},
        highlight=highlight.fragment(body, marked),
    )
