"""The same archive in partitions. PostgreSQL's DDL is transactional, so every test undoes its own conversion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7
from archive import aggregates, orderings, partitions, retention, selectors, services
from archive.database import fetch
from archive.filters import RecordFilters
from archive.models import AuditEntry, Record, RecordRevision, RetentionRule
from archive.partitions import Month
from tests.archive.scenario import records
from tests.archive.test_walks import expected, walk

pytestmark = pytest.mark.django_db


@pytest.fixture
def partitioned(ada: Any) -> None:
    partitions.convert()


def indexes() -> set[str]:
    rows = fetch("SELECT indexname FROM pg_indexes WHERE tablename = 'archive_record'")
    return {row[0] for row in rows}


def key_at(moment: datetime) -> UUID:
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | uuid7().int & (2**62 - 1))


def test_nothing_is_lost_by_the_conversion(ada: Any) -> None:
    before = indexes()
    constraints = (
        "SELECT conname FROM pg_constraint WHERE conrelid = 'archive_record'::regclass AND contype IN ('c', 'f')"
    )
    rules = set(fetch(constraints))
    partitions.convert()
    assert partitions.active()
    assert indexes() == before and set(fetch(constraints)) >= rules
    record = services.record_create(owner_id=ada.pk, kind="note", title="t", text="IŞIK", payload={}, language="tr")
    assert selectors.records_page(filters=RecordFilters(owner_id=ada.pk, words="ışık")).rows
    services.record_update(record_id=record.pk, owner_id=ada.pk, changes={"title": "u"})
    assert RecordRevision.objects.filter(record=record).count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        Record.objects.filter(pk=record.pk).update(status="draft")
    assert fetch("SELECT tableoid::regclass::text FROM archive_record") == [(Month.of(now()).table,)]
    assert aggregates.refresh(force=True) is aggregates.Outcome.REFRESHED


@pytest.mark.parametrize("ordering", orderings.OF_OWNER)
def test_walks_meet_every_record_once(partitioned: None, ada: Any, ordering: str) -> None:
    for back in range(3):
        at = now() - timedelta(days=40 * back)
        records(ada.pk, 40, seed=back)
        Record.objects.filter(created_at__gte=at).update(created_at=at)
    filters = RecordFilters(owner_id=ada.pk)
    forward, backward = walk(filters, ordering, 17)
    assert forward == backward == expected(filters, ordering)


def test_a_table_with_records_is_not_converted(ada: Any) -> None:
    records(ada.pk, 1)
    with pytest.raises(partitions.NotEmpty):
        partitions.convert()


def test_the_next_months_are_made_ahead_and_only_once(partitioned: None) -> None:
    later = Month.of(now()).next().next().begin()
    assert len(partitions.ensure(moment=later)) == 2
    assert partitions.ensure(moment=later) == []


def test_a_plain_table_is_left_alone(ada: Any) -> None:
    assert not partitions.active() and partitions.ensure() == []


@given(moment=st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_months_leave_no_hole_and_do_not_overlap(moment: datetime) -> None:
    at = moment.replace(tzinfo=UTC)
    month = Month.of(at)
    assert month.lower() <= key_at(at) < month.next().lower()
    assert month.begin() <= at < month.next().begin()


def test_a_month_of_which_all_is_to_go_is_dropped(partitioned: None, ada: Any) -> None:
    old = datetime(2024, 3, 10, tzinfo=UTC)
    partitions._create(Month.of(old))
    partitions._create(Month.of(old).next())
    for month in (3, 4):
        at = old.replace(month=month)
        for _ in range(5):
            records(ada.pk, 1, id=key_at(at), kind="chunk", created_at=at, status="active")
    services.record_update(record_id=Record.objects.earliest("id").pk, owner_id=ada.pk, changes={"title": "x"})
    services.record_hold(record_id=Record.objects.latest("id").pk, on_hold=True, actor_id=ada.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    RetentionRule.objects.create(kind="chunk", days=30, enabled=True)
    (verdict,) = retention.apply()
    assert (verdict.records, verdict.held) == (9, 1)
    assert Month.of(old) not in partitions.months() and Month.of(old).next() in partitions.months()
    assert Record.objects.get().on_hold
    details = [entry.detail for entry in AuditEntry.objects.filter(action="retention")]
    assert {detail.get("partition") for detail in details} == {Month.of(old).table, None}
