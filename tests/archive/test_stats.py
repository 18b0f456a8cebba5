from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django_celery_beat.models import PeriodicTask

from archive import aggregates, schedules, tasks
from archive.aggregates import Outcome
from archive.conf import conf
from archive.database import fetch
from archive.models import Record, ViewRefresh
from archive.stats import stats
from tests.archive.scenario import records
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def from_view(monkeypatch: Any) -> None:
    monkeypatch.setattr(conf, "stats_live_below", 0)


def same(left: Any, right: Any) -> bool:
    names = ("total", "average_success_rate", "by_status", "by_kind", "by_language", "by_tag", "by_day")
    return all(getattr(left, name) == pytest.approx(getattr(right, name)) for name in names)


def test_view_and_table_tell_the_same(ada: Any, bob: Any, monkeypatch: Any) -> None:
    records(ada.pk, 200, created_at=ada.date_joined)
    records(bob.pk, 30, seed=2)
    Record.objects.filter(owner=ada, kind="topic", status="draft").update(deleted_at=ada.date_joined)
    aggregates.refresh(force=True)
    for owner in (ada, bob):
        live = stats(owner_id=owner.pk)
        monkeypatch.setattr(conf, "stats_live_below", 0)
        seen = stats(owner_id=owner.pk)
        monkeypatch.undo()
        assert (live.basis, seen.basis) == ("live", "view")
        assert same(live, seen) and live.total and live.by_tag


def test_the_view_says_of_when_it_is(client_of: Any, ada: Any, from_view: None) -> None:
    aggregates.refresh(force=True)
    records(ada.pk, 5)
    answer = client_of(ada).get("/api/v1/archive/stats").json()
    assert (answer["total"], answer["basis"]) == (0, "view")
    assert answer["age"] > 0 and answer["as_of"]
    aggregates.refresh(force=True)
    assert stats(owner_id=ada.pk).total == 5


def test_a_view_that_was_never_refreshed_is_not_used(ada: Any, from_view: None) -> None:
    ViewRefresh.objects.all().delete()
    records(ada.pk, 5)
    assert (stats(owner_id=ada.pk).basis, stats(owner_id=ada.pk).total) == ("live", 5)


def test_nothing_written_is_nothing_to_refresh(ada: Any) -> None:
    aggregates.refresh(force=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")  # what earlier tests wrote
    written = aggregates._written()
    ViewRefresh.objects.update(written=written, seconds=0)
    assert aggregates.refresh() is Outcome.UNCHANGED
    records(ada.pk, 1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    eventually(lambda: aggregates._written() > written, within=5)
    assert aggregates.refresh() is Outcome.REFRESHED


def test_a_dear_refresh_is_followed_by_a_rest() -> None:
    aggregates.refresh(force=True)
    ViewRefresh.objects.update(written=-1, seconds=100)
    assert aggregates.refresh() is Outcome.RESTING


def test_two_refreshes_do_not_overlap() -> None:
    options = connection.get_connection_params()
    with (
        psycopg.connect(host=options["host"], user=options["user"], dbname=options["dbname"]) as other,
        other.transaction(),
    ):
        other.execute("SELECT pg_advisory_xact_lock(%s)", [aggregates._LOCK])
        assert aggregates.refresh(force=True) is Outcome.RUNNING
    assert aggregates.refresh(force=True) is Outcome.REFRESHED


def test_readers_go_on_while_the_view_is_refreshed(ada: Any) -> None:
    records(ada.pk, 50)
    refreshed, seen = threading.Event(), threading.Event()

    def refresh() -> None:
        try:
            with transaction.atomic():
                aggregates.refresh(force=True)
                refreshed.set()
                assert seen.wait(20)  # the refresh's locks are held until here
        finally:
            connection.close()

    thread = threading.Thread(target=refresh)
    thread.start()
    try:
        assert refreshed.wait(20)
        assert fetch("SELECT count(*) FROM archive_stats", planner={"lock_timeout": "'1s'"})
    finally:
        seen.set()
        thread.join()


def test_the_tasks_run_and_their_schedules_keep_an_operators_edits() -> None:
    tasks.stats_refresh()
    tasks.purge()
    schedules.provide()
    row = PeriodicTask.objects.get(task="archive.stats_refresh")
    row.enabled, row.name = False, "ours"
    row.save()
    schedules.provide()
    assert PeriodicTask.objects.filter(task="archive.stats_refresh").values_list("name", "enabled").get() == (
        "ours",
        False,
    )
