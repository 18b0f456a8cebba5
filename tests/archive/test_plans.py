"""Every ordering is served by its index: no sort and no scan over the table, at the beginning and in the depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from archive import keyset, orderings, wire
from archive.filters import RecordFilters
from archive.models import Record
from archive.orderings import Ordering
from authgateway.testing import make_user
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db
_ROWS = 6_000


@pytest.fixture(scope="module")
def owner(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    # One large table for all plans, removed by hand.
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            # What earlier tests rolled back still lies in the heap and the indexes until nobody can see it any more.
            cursor.execute("TRUNCATE archive_record CASCADE")
        ada, bob = (make_user(username=name, password=None) for name in ("planner", "other"))
        records(ada.pk, _ROWS, ties=200)
        records(bob.pk, _ROWS, ties=200, seed=2)
        Record.objects.filter(owner=ada, title="title 1").update(deleted_at=ada.date_joined)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE archive_record")
        yield ada
        Record.objects.filter(owner__in=[ada, bob]).delete()
        ada.delete()
        bob.delete()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def explain(sql: str, parameters: list[Any]) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", parameters)
        plan: dict[str, Any] = cursor.fetchone()[0][0]["Plan"]
    return plan


def page(order: Ordering, filters: RecordFilters, depth: int | None) -> dict[str, Any]:
    where = filters.clause()
    after = None
    if depth is not None:
        names = ", ".join(column.name for column in order.columns)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {names} FROM archive_record WHERE {where[0]} ORDER BY {order.sql()} OFFSET %s LIMIT 1",
                [*where[1], depth],
            )
            after = cursor.fetchone()
    return explain(*keyset.page(order, columns=", ".join(wire.LIST_COLUMNS), where=where, limit=51, after=after))


@pytest.mark.parametrize("depth", [None, 0, _ROWS // 2, _ROWS * 9 // 10])
@pytest.mark.parametrize("name", [*orderings.OF_OWNER, *orderings.OF_ALL])
def test_an_ordering_reads_its_index_and_little_else(owner: Any, name: str, depth: int | None) -> None:
    everybody = name in orderings.OF_ALL
    order = {**orderings.OF_OWNER, **orderings.OF_ALL}[name]
    plan = page(order, RecordFilters(owner_id=None if everybody else owner.pk), depth)
    found = list(nodes(plan))
    kinds = {node["Node Type"] for node in found}
    assert not kinds & {"Seq Scan", "Bitmap Heap Scan", "Incremental Sort"}, kinds
    # Only the merge of the limited branches may sort.
    assert all(node["Actual Rows"] <= 3 * 51 for node in found)
    assert {node["Index Name"] for node in found if "Index Name" in node} == {order.index}
    # 51 rows scattered over the heap, and one descent and one leaf more for every branch.
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= 51 + 3 * 5


def test_no_statistics_make_the_planner_take_another_index(owner: Any) -> None:
    where = RecordFilters(owner_id=owner.pk).clause()
    order = orderings.OF_OWNER["-kind,created_at"]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT kind, created_at, id FROM archive_record WHERE {where[0]} ORDER BY {order.sql()} "
            "OFFSET %s LIMIT 1",
            [*where[1], _ROWS // 2],
        )
        after = cursor.fetchone()
        # All rows of one kind and in the order of the heap: the index by time would look free.
        cursor.execute(
            "SELECT pg_restore_attribute_stats('schemaname', 'public', 'relname', 'archive_record', "
            "'attname', 'kind', 'inherited', false, 'null_frac', 0::real, 'n_distinct', 1::real, "
            "'most_common_vals', ARRAY[%s]::text, 'most_common_freqs', ARRAY[0.999]::real[])",
            [after[0]],
        )
        try:
            plan = explain(*keyset.page(order, columns="id, kind, created_at", where=where, limit=51, after=after))
        finally:
            cursor.execute("ANALYZE archive_record")
    assert {node["Index Name"] for node in nodes(plan) if "Index Name" in node} == {"archive_kind"}


@pytest.mark.parametrize(
    ("filters", "index"), [({"kind": ("topic",)}, "archive_kind"), ({"status": ("active",)}, "archive_status")]
)
def test_a_filter_by_kind_or_status_has_an_index_in_list_order(owner: Any, filters: Any, index: str) -> None:
    narrowed = RecordFilters(owner_id=owner.pk, **filters)
    plan = page(orderings.within(orderings.OF_OWNER["-created_at"], narrowed.equal()), narrowed, 500)
    assert {node["Node Type"] for node in nodes(plan)} <= {"Limit", "Index Scan"}
    assert {node["Index Name"] for node in nodes(plan) if "Index Name" in node} == {index}
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= 51 + 5


def test_a_branch_is_not_asked_when_the_ones_before_it_fill_the_page(owner: Any) -> None:
    # Half way through the largest kind: everything of the page has that kind.
    order, filters = orderings.OF_OWNER["kind,-created_at"], RecordFilters(owner_id=owner.pk)
    plan = page(order, filters, _ROWS // 4)
    scans = [node for node in nodes(plan) if node.get("Relation Name") == "archive_record"]
    assert len(scans) == 2
    assert sorted(node["Actual Loops"] > 0 for node in scans) == [False, True]
