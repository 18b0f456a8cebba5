"""Counts that cost a bounded amount, each labelled with how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.db import models

from archive.database import fetch

_CAP = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """``relation``: eq is exact, gte means that many or more, approx is the planner's estimate."""

    value: int
    relation: Literal["eq", "gte", "approx"]

    def __str__(self) -> str:
        return {"eq": "{:,}", "gte": "{:,}+", "approx": "≈ {:,}"}[self.relation].format(self.value)


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
        "SELECT greatest(reltuples, %s)::bigint FROM pg_class WHERE oid = %s::regclass", [cap, model._meta.db_table]
    )
    return Count(value=rows[0][0], relation="approx")
