"""The archive's own reads as statements: what ``manage.py archive explain`` takes the plans of."""

# ruff: noqa: S608  # names come from fixed lists; values are parameters

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import transaction

from altlas.kernel.clock import now
from archive import keyset, orderings, search, stats, wire
from archive.conf import conf
from archive.database import fetch
from archive.deadlines import Deadline
from archive.filters import RecordFilters
from archive.models import QueryPlan
from archive.orderings import Ordering
from archive.slow import plans

_SECONDS = 10
_KEPT = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    name: str
    sql: str
    parameters: list[Any]
    planner: Mapping[str, str] = field(default_factory=dict)


def largest_owner() -> UUID | None:
    """Return the owner with the most records, as of the last refresh; the hardest case."""
    rows = fetch("SELECT owner_id FROM archive_stats WHERE dimension = 'total' ORDER BY records DESC LIMIT 1")
    return rows[0][0] if rows else None


def queries(owner_id: UUID, *, words: str = "record") -> Iterator[Query]:
    """Yield every kind of read for one owner: each ordering at its beginning and at 90 %, filters, search, stats."""
    own = RecordFilters(owner_id=owner_id)
    for order in orderings.OF_OWNER.values():
        yield _page(f"list {order.name}", order, own, None)
        yield _page(f"list {order.name} at 90 %", order, own, _key_at(order, own, 0.9))
    for column in ("kind", "status"):
        value = fetch(f"SELECT {column} FROM archive_record WHERE owner_id = %s LIMIT 1", [owner_id])
        if value:
            only: dict[str, Any] = {column: (value[0][0],)}
            narrowed = replace(own, **only)
            yield _page(
                f"list of one {column}", orderings.within(orderings.OF_OWNER["-created_at"], column), narrowed, None
            )
    yield Query(name="search by words", **_search(own, words))
    yield Query(
        name="statistics from the view",
        sql=stats.VIEW_SQL,
        parameters=[owner_id],
    )


def take(owner_id: UUID, *, words: str = "record") -> list[QueryPlan]:
    """Run each query once and keep its plan."""
    moment = now()
    taken = []
    for query in queries(owner_id, words=words):
        plan, milliseconds = plans.measured(query.sql, query.parameters, timeout=_SECONDS, planner=query.planner)
        taken.append(
            QueryPlan(
                name=query.name[:64],
                taken_at=moment,
                milliseconds=milliseconds,
                buffers=plans.buffers(plan),
                rows=int(plan["Actual Rows"]),
                plan=plan,
            )
        )
    with transaction.atomic():
        QueryPlan.objects.bulk_create(taken)
        old = QueryPlan.objects.order_by("-taken_at", "-id").values_list("pk", flat=True)[_KEPT:]
        QueryPlan.objects.filter(pk__in=list(old)).delete()
    return taken


def _page(name: str, order: Ordering, filters: RecordFilters, after: Any) -> Query:
    sql, parameters = keyset.page(
        order, columns=", ".join(wire.LIST_COLUMNS), where=filters.clause(), limit=conf.page_default + 1, after=after
    )
    return Query(name=name, sql=sql, parameters=parameters)


def _key_at(order: Ordering, filters: RecordFilters, depth: float) -> Any:
    """Return the key of the row at ``depth``. By counting, which the product never does: this is a tool."""
    where, parameters = filters.clause()
    names = ", ".join(column.name for column in order.columns)
    counted = fetch(f"SELECT count(*) FROM archive_record WHERE {where}", parameters, deadline=Deadline.within(60))
    rows = fetch(
        f"SELECT {names} FROM archive_record WHERE {where} ORDER BY {order.sql()} OFFSET %s LIMIT 1",
        [*parameters, int(counted[0][0] * depth)],
        deadline=Deadline.within(60),
    )
    return rows[0] if rows else None


def _search(filters: RecordFilters, words: str) -> dict[str, Any]:
    sql, parameters = search.by_words_sql(words, filters, 20)
    return {"sql": sql, "parameters": parameters}
