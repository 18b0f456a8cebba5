"""Counts that cost a bounded amount, each labelled with how it came about."""

# ruff: noqa: S608  # names come from fixed lists; values are parameters

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from django.db import models, transaction
from django.db.utils import OperationalError

from archive.conf import conf
from archive.database import fetch
from archive.deadlines import Deadline
from archive.filters import RecordFilters

_CAP = 10_000
_QUERY_CANCELED = "57014"


class Mode(StrEnum):
    EXACT = "exact"
    CAPPED = "capped"
    PLANNED = "planned"


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """``relation``: eq is exact, gte means that many or more, approx is the planner's estimate."""

    value: int
    relation: Literal["eq", "gte", "approx"]

    def __str__(self) -> str:
        return {"eq": "{:,}", "gte": "{:,}+", "approx": "≈ {:,}"}[self.relation].format(self.value)


def of_records(filters: RecordFilters, mode: Mode) -> Count:
    """Count the records of a list; an exact count that takes too long gives way to the planner's estimate."""
    if mode is Mode.PLANNED:
        return _planned(filters)
    where, parameters = filters.clause()
    if mode is Mode.CAPPED:
        sql = f"SELECT count(*) FROM (SELECT 1 FROM archive_record WHERE {where} LIMIT %s) AS some_rows"
        found = fetch(sql, [*parameters, _CAP + 1], deadline=Deadline.within(conf.list_timeout))[0][0]
        return Count(value=min(found, _CAP), relation="eq" if found <= _CAP else "gte")
    try:
        # The savepoint matters inside of a caller's transaction, which the cancelled statement would end.
        with transaction.atomic():
            deadline = Deadline.within(conf.count_timeout)
            found = fetch(f"SELECT count(*) FROM archive_record WHERE {where}", parameters, deadline=deadline)[0][0]
    except OperationalError as exc:
        if getattr(exc.__cause__, "sqlstate", None) != _QUERY_CANCELED:
            raise
        return _planned(filters)
    return Count(value=found, relation="eq")


def _planned(filters: RecordFilters) -> Count:
    where, parameters = filters.clause()
    rows = fetch(
        f"EXPLAIN (FORMAT JSON) SELECT 1 FROM archive_record WHERE {where}",
        parameters,
        deadline=Deadline.within(conf.list_timeout),
    )
    return Count(value=int(rows[0][0][0]["Plan"]["Plan Rows"]), relation="approx")


def capped(rows: models.QuerySet[Any], *, cap: int = _CAP) -> Count:
    """Count up to ``cap`` rows."""
    found = rows.order_by()[: cap + 1].count()
    return Count(value=min(found, cap), relation="eq" if found <= cap else "gte")


def of_table(model: type[models.Model], *, cap: int = _CAP) -> Count:
    """Count a small table exactly and take the last ANALYZE's word for a large one."""
    exact = capped(model._default_manager.all(), cap=cap)
    if exact.relation == "eq":
        return exact
    rows = fetch(
        "SELECT greatest(sum(reltuples) FILTER (WHERE reltuples > 0), %s)::bigint FROM pg_class "
        "WHERE relkind = 'r' AND (oid = %s::regclass OR oid IN (SELECT relid FROM pg_partition_tree(%s)))",
        [cap, model._meta.db_table, model._meta.db_table],
    )
    return Count(value=rows[0][0], relation="approx")
