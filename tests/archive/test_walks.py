from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from archive import orderings, selectors
from archive.exceptions import InvalidCursor, InvalidQuery
from archive.filters import RecordFilters
from archive.models import Record
from tests.archive.scenario import records
from tests.archive.threads import together

pytestmark = pytest.mark.django_db


def ids(page: selectors.Page) -> list[str]:
    return [json.loads(row)["id"] for row in page.rows]


def walk(filters: RecordFilters, ordering: str, limit: int) -> tuple[list[str], list[str]]:
    """Return all ids going forwards, and all ids going back from the last page, in the list's order."""
    forward: list[str] = []
    cursor: str | None = None
    while True:
        page = selectors.records_page(filters=filters, ordering=ordering, limit=limit, cursor=cursor)
        forward += ids(page)
        if page.next is None:
            break
        cursor = page.next
    backward = ids(page)
    while page.previous is not None:
        page = selectors.records_page(filters=filters, ordering=ordering, limit=limit, cursor=page.previous)
        backward = ids(page) + backward
    return forward, backward


def expected(filters: RecordFilters, ordering: str) -> list[str]:
    order = orderings.choose(ordering, all_owners=filters.owner_id is None, trash=filters.deleted)
    where, parameters = filters.clause()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM archive_record WHERE {where} ORDER BY {order.sql()}", parameters)
        return [str(row[0]) for row in cursor.fetchall()]


@pytest.mark.parametrize("ordering", orderings.OF_OWNER)
@pytest.mark.parametrize("limit", [7, 200])
def test_walking_forward_and_back_meets_every_record_once(ada: Any, bob: Any, ordering: str, limit: int) -> None:
    records(ada.pk, 700, ties=300)
    records(bob.pk, 100)
    filters = RecordFilters(owner_id=ada.pk)
    forward, backward = walk(filters, ordering, limit)
    assert forward == backward == expected(filters, ordering)
    assert len(set(forward)) == 700


def test_two_thousand_ties_are_walked_through(ada: Any) -> None:
    records(ada.pk, 2_100, ties=3_000)
    filters = RecordFilters(owner_id=ada.pk)
    forward, backward = walk(filters, "-created_at", 50)
    assert forward == backward == expected(filters, "-created_at")


@pytest.mark.parametrize("ordering", orderings.OF_TRASH)
def test_deleted_records_have_a_list_of_their_own(ada: Any, ordering: str) -> None:
    made = records(ada.pk, 40)
    gone = [record.pk for record in made[:15]]
    Record.objects.filter(pk__in=gone).update(deleted_at=made[0].created_at)
    filters = RecordFilters(owner_id=ada.pk, deleted=True)
    forward, backward = walk(filters, ordering, 4)
    assert forward == backward
    assert set(forward) == set(map(str, gone))


@pytest.mark.parametrize("ordering", orderings.OF_ALL)
def test_every_owners_records_are_walked_by_key(ada: Any, bob: Any, ordering: str) -> None:
    records(ada.pk, 30)
    records(bob.pk, 30)
    forward, backward = walk(RecordFilters(owner_id=None), ordering, 7)
    assert forward == backward == expected(RecordFilters(owner_id=None), ordering)


def test_records_that_come_and_go_do_not_disturb_the_others(ada: Any) -> None:
    steady = {str(record.pk) for record in records(ada.pk, 200, seed=1)}
    going = records(ada.pk, 100, seed=2)
    filters = RecordFilters(owner_id=ada.pk)
    seen: list[str] = []
    cursor = None
    for turn in range(1000):
        page = selectors.records_page(filters=filters, ordering="-created_at", limit=10, cursor=cursor)
        seen += ids(page)
        records(ada.pk, 3, seed=100 + turn)
        if going:
            Record.objects.filter(pk=going.pop().pk).delete()
        cursor = page.next
        if cursor is None:
            break
    assert steady <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_page_that_has_emptied_leads_back(ada: Any) -> None:
    records(ada.pk, 10, ties=1)
    filters = RecordFilters(owner_id=ada.pk)
    first = selectors.records_page(filters=filters, limit=5)
    Record.objects.exclude(pk__in=ids(first)).delete()
    empty = selectors.records_page(filters=filters, limit=5, cursor=first.next)
    assert empty.rows == () and empty.next is None
    back = selectors.records_page(filters=filters, limit=5, cursor=empty.previous)
    assert ids(back) == ids(first)


def test_a_cursor_is_of_one_owner_one_filter_and_one_order(ada: Any, bob: Any) -> None:
    records(ada.pk, 20)
    own = RecordFilters(owner_id=ada.pk)
    cursor = selectors.records_page(filters=own, limit=5).next
    for filters, ordering in (
        (RecordFilters(owner_id=bob.pk), "-created_at"),
        (RecordFilters(owner_id=ada.pk, kind=("topic",)), "-created_at"),
        (own, "created_at"),
        (own, "-updated_at"),
    ):
        with pytest.raises(InvalidCursor):
            selectors.records_page(filters=filters, ordering=ordering, limit=5, cursor=cursor)
    # The size of a page may change on the way.
    assert len(selectors.records_page(filters=own, limit=9, cursor=cursor).rows) == 9


def test_an_order_that_is_not_offered_is_refused(ada: Any) -> None:
    for ordering in ("text", "id; DROP TABLE archive_record", "-title,kind"):
        with pytest.raises(InvalidQuery):
            selectors.records_page(filters=RecordFilters(owner_id=ada.pk), ordering=ordering)


def test_a_page_is_one_query_that_reads_no_large_column(ada: Any) -> None:
    records(ada.pk, 60)
    cursor = None
    for ordering in orderings.OF_OWNER:
        cursor = selectors.records_page(filters=RecordFilters(owner_id=ada.pk), ordering=ordering, limit=20).next
        with CaptureQueriesContext(
            connection,
        ) as queries:
            selectors.records_page(filters=RecordFilters(owner_id=ada.pk), ordering=ordering, limit=20, cursor=cursor)
        assert len(queries) == 1
        sql = queries[0]["sql"]
        assert "OFFSET" not in sql
        for column in ("payload", "embedding", " text,", "search"):
            assert column not in sql


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ordering", orderings.OF_OWNER)
def test_writers_at_work_make_no_walk_lose_or_repeat_a_record(ada: Any, ordering: str) -> None:
    steady = {str(record.pk) for record in records(ada.pk, 300, ties=150)}
    stop, written = threading.Event(), threading.Event()
    filters = RecordFilters(owner_id=ada.pk)

    def write() -> int:
        turn = 0
        try:
            while not stop.is_set():
                turn += 1
                coming = records(ada.pk, 4, seed=turn, ties=1 + turn % 4)
                Record.objects.filter(pk__in=[record.pk for record in coming[:3]]).delete()
                if turn > 5:
                    written.set()
        finally:
            written.set()
        return turn

    def read() -> int:
        """Walk until there was enough to lose or to repeat, however fast the two are."""
        walks = 0
        try:
            while walks == 0 or not written.is_set():
                walks += 1
                for limit in (7, 40):
                    for seen in walk(filters, ordering, limit):
                        assert len(seen) == len(set(seen))
                        assert steady <= set(seen)
        finally:
            stop.set()
        return walks

    together(write, read)
    # When they rest, there and back are the same.
    forward, backward = walk(filters, ordering, 40)
    assert forward == backward == expected(filters, ordering)
