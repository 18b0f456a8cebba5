"""PostgreSQL's own word on every ordering, at the beginning and in the depth: an index, no sort, few buffers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from altlas.kernel.verification import Load, Outcome, Probe, Series, Threshold, Verification, register
from archive import keyset, orderings, wire
from archive.filters import RecordFilters
from archive.orderings import Ordering
from archive.verification import shelf

_LIMIT = 51
_DEPTHS = (0.0, 0.5, 0.9)
_FORBIDDEN = frozenset({"Seq Scan", "Bitmap Heap Scan", "Incremental Sort"})
_DROPPED = "archive_created"


def run(probe: Probe) -> Outcome:
    records = probe.parameters["records"]
    found: list[tuple[str, float, dict[str, Any]]] = []
    # A trashed order has nothing to list here.
    orders = [order for order in orderings.OF_OWNER.values() if order.index != "archive_trash"]
    with shelf.filled(probe, records) as told:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE archive_record")
        with transaction.atomic(), _shadowed(told.account.id) if probe.sabotaged else nullcontext():
            for number, order in enumerate(orders):
                probe.progress(0.3 + 0.7 * number / len(orders), order.name)
                for depth in _DEPTHS:
                    found.append((order.name, depth, _plan(order, told.account.id, int(depth * records))))
    without = sorted({f"{name}: {', '.join(sorted(_kinds(plan)))}" for name, _, plan in found if _kinds(plan)})
    buffers = [float(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] + _local(plan)) for _, _, plan in found]
    return Outcome(
        metrics={
            "plans_without_index": float(sum(bool(_kinds(plan)) for _, _, plan in found)),
            "buffers_of_the_worst_page": max(buffers),
            "plans": float(len(found)),
            "records": float(records),
        },
        series=[
            Series(
                name="buffers of a page, each ordering at 0, 50 and 90 % depth",
                x="plan",
                y="buffers",
                points=[(float(number), value) for number, value in enumerate(buffers)],
            )
        ],
        notes=without,
    )


def _plan(order: Ordering, owner_id: UUID, depth: int) -> dict[str, Any]:
    where = RecordFilters(owner_id=owner_id).clause()
    names = ", ".join(column.name for column in order.columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {names} FROM archive_record WHERE {where[0]} "  # noqa: S608  # fixed names
            f"ORDER BY {order.sql()} OFFSET %s LIMIT 1",
            [*where[1], depth],
        )
        after = cursor.fetchone()
        sql, parameters = keyset.page(
            order, columns=", ".join(wire.LIST_COLUMNS), where=where, limit=_LIMIT, after=after
        )
        # The second time counts: the first marks what deleted rows have left in the index.
        for _ in range(2):
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", parameters)
            plan: dict[str, Any] = cursor.fetchone()[0][0]["Plan"]
    return plan


def _kinds(plan: dict[str, Any]) -> set[str]:
    return {node["Node Type"] for node in _nodes(plan)} & _FORBIDDEN


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _local(plan: dict[str, Any]) -> int:
    return int(plan["Local Hit Blocks"] + plan["Local Read Blocks"])


@contextmanager
def _shadowed(owner_id: UUID) -> Iterator[None]:
    """Put a temporary copy of the owner's records in front of the table, with all of its indexes but one.

    Temporary tables come first in the search path: the same queries meet the copy, and nobody else does.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute "
            "WHERE attrelid = 'archive_record'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
        )
        columns = cursor.fetchone()[0]
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'archive_record' AND schemaname = current_schema() "
            "AND indexname <> %s AND indexdef NOT LIKE '%%hnsw%%'",
            [_DROPPED],
        )
        indexes = [row[0] for row in cursor.fetchall()]
        cursor.execute(
            "CREATE TEMPORARY TABLE archive_record (LIKE archive_record INCLUDING DEFAULTS INCLUDING GENERATED) "
            "ON COMMIT DROP"
        )
        cursor.execute(
            f"INSERT INTO pg_temp.archive_record ({columns}) SELECT {columns} "  # noqa: S608  # names from the catalogue
            "FROM public.archive_record WHERE owner_id = %s",
            [owner_id],
        )
        for definition in indexes:
            cursor.execute(definition.replace(" ON public.archive_record ", " ON pg_temp.archive_record ", 1))
        cursor.execute("ANALYZE pg_temp.archive_record")
        yield


PLANS = register(
    Verification(
        name="archive.plans",
        title="Every ordering is read from its index, however deep the page",
        rows=("2.1.2", "2.1.3", "2.2.1"),
        parameters={Load.LOW: {"records": 6_000}, Load.MID: {"records": 12_000}, Load.HIGH: {"records": 30_000}},
        thresholds=(
            Threshold(metric="plans_without_index", sign="<=", limit=0),
            # 51 rows scattered over the heap, and an index descent for each branch.
            Threshold(metric="buffers_of_the_worst_page", sign="<=", limit=150),
        ),
        run=run,
        sabotage=nullcontext,
        fault=f"the index {_DROPPED} is missing, on a temporary copy of the run's own records",
    )
)
