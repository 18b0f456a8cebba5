"""The ledger of background tasks, on the real hooks of Celery."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import current_app
from django.db import DatabaseError

from altlas.kernel import tasks
from altlas.kernel.clock import now
from altlas.kernel.errors import Conflict, NotFound, Unprocessable
from altlas.kernel.ledger import operating, writing
from altlas.kernel.ledger.conf import conf
from altlas.kernel.models import TaskRecord
from altlas.kernel.redis import client

pytestmark = pytest.mark.django_db
RAN: list[int] = []


@pytest.fixture(autouse=True)
def work() -> Iterator[None]:
    @current_app.task(name="test.work", bind=True, shared=False)
    def _work(self: object, number: int) -> None:
        RAN.append(number)
        if number < 0:
            raise ValueError("negative")

    RAN.clear()
    yield
    current_app.tasks.pop("test.work")
    client("broker").delete("altlas")


def run(record: TaskRecord) -> None:
    """Deliver a task as a worker does, without its process."""
    arguments = record.arguments or {"args": [], "kwargs": {}}
    current_app.tasks["test.work"].apply(args=arguments["args"], task_id=record.pk)


def sent(*args: int, **kwargs: str) -> TaskRecord:
    tasks.enqueue("test.work", args=args, kwargs=kwargs, on_commit=False)
    return TaskRecord.objects.order_by("-sent_at")[0]


def test_a_task_is_followed_from_sending_to_its_end() -> None:
    record = sent(1)
    assert (record.name, record.state, record.queue) == ("test.work", "sent", "altlas")
    assert record.arguments == {"args": [1], "kwargs": {}}
    run(record)
    record.refresh_from_db()
    assert (record.state, record.deliveries) == ("succeeded", 1)
    assert record.finished_at is not None


def test_a_failure_is_kept_with_its_reason() -> None:
    record = sent(-1)
    run(record)
    record.refresh_from_db()
    assert (record.state, record.error) == ("failed", "ValueError: negative")


def test_a_revoked_task_never_begins_also_after_a_restart_of_workers() -> None:
    record = sent(1)
    operating.task_revoke(task_id=record.pk, actor="ada")
    run(record)
    record.refresh_from_db()
    assert RAN == []
    assert (record.state, record.changed_by) == ("revoked", "ada")


def test_a_failed_task_is_sent_again_as_a_new_one() -> None:
    record = sent(-1)
    run(record)
    operating.task_retry(task_id=record.pk, actor="ada")
    again = TaskRecord.objects.exclude(pk=record.pk).get()
    assert (again.name, again.state, again.arguments) == ("test.work", "sent", {"args": [-1], "kwargs": {}})


def test_only_what_waits_is_revoked_and_only_what_failed_is_sent_again() -> None:
    record = sent(1)
    with pytest.raises(Conflict):
        operating.task_retry(task_id=record.pk, actor="ada")
    run(record)
    with pytest.raises(Conflict):
        operating.task_revoke(task_id=record.pk, actor="ada")
    with pytest.raises(NotFound):
        operating.task_revoke(task_id="nothing", actor="ada")


def test_a_running_task_whose_worker_is_long_gone_can_be_sent_again() -> None:
    record = sent(1)
    TaskRecord.objects.update(state="started", started_at=now() - timedelta(hours=2))
    operating.task_retry(task_id=record.pk, actor="ada")
    record.refresh_from_db()
    assert record.state == "failed"


def test_arguments_of_a_caller_who_waits_are_not_kept() -> None:
    record = sent(1, reply_id="r", text="private")
    assert record.arguments is None
    TaskRecord.objects.update(state="failed")
    with pytest.raises(Unprocessable):
        operating.task_retry(task_id=record.pk, actor="ada")


def test_a_note_that_comes_late_does_not_set_a_task_back() -> None:
    writing.note_started(task_id="t", name="test.work", queue="", node="n", request_id="", retries=0)
    writing.note_sent(task_id="t", name="test.work", queue="altlas", args=[], kwargs={}, request_id="")
    assert TaskRecord.objects.get(pk="t").state == "started"


def test_a_database_that_is_away_stops_neither_sending_nor_running(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object, **_options: object) -> None:
        raise DatabaseError("away")

    monkeypatch.setattr(TaskRecord.objects, "bulk_create", away)
    monkeypatch.setattr(TaskRecord.objects, "select_for_update", away)
    tasks.enqueue("test.work", args=[5], on_commit=False)
    current_app.tasks["test.work"].apply(args=[5], task_id="t")
    assert RAN == [5]


def test_the_ledger_is_bounded_by_age_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf, "rows", 3)
    moment = now()
    rows = [
        TaskRecord(id=f"done-{n}", name="x", state="succeeded", sent_at=moment, finished_at=moment) for n in range(5)
    ]
    long_ago = moment - timedelta(days=2)
    rows.append(TaskRecord(id="old", name="x", state="succeeded", sent_at=moment, finished_at=long_ago))
    rows.append(TaskRecord(id="ancient", name="x", state="failed", sent_at=moment - timedelta(days=20)))
    rows.append(TaskRecord(id="waits", name="x", state="sent", sent_at=moment - timedelta(hours=1)))
    TaskRecord.objects.bulk_create(rows)
    assert writing.ledger_purge() == 4
    assert set(TaskRecord.objects.values_list("pk", flat=True)) >= {"waits"}
    assert TaskRecord.objects.count() == 4
    assert operating.queues()[0]["waiting"] == 1
