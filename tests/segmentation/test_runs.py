"""Life of a run: claims, redelivery, cancelling, retrying, sweeping."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from altlas.kernel.clock import now
from archive.models import Record
from authgateway.models import User
from segmentation import services
from segmentation.exceptions import TransitionNotAllowed
from segmentation.models import SegmentationRun
from segmentation.options import complete
from segmentation.statuses import TRANSITIONS, Status
from tests.segmentation.conftest import FakeModels, FakeNode

pytestmark = pytest.mark.django_db


def create(user: User, *texts: str, strategy: str = "sentence", **more: Any) -> SegmentationRun:
    options, _ = complete(strategy, {})
    made = services.run_create(
        owner_id=user.pk,
        texts=texts or ["Bir cümle. İkinci cümle."],
        strategy=strategy,
        options=options,
        batch=len(texts) > 1,
        **more,
    )
    made.run.refresh_from_db()
    return made.run


def test_a_run_delivered_twice_is_done_once(user: User, node: FakeNode, models: FakeModels) -> None:
    run = create(user)
    assert run.status == Status.SUCCEEDED
    inputs = len(models.inputs)
    assert node.deliver() == [False]
    assert len(models.inputs) == inputs
    assert Record.objects.filter(source_run_id=run.pk).count() == 1


def test_a_run_at_work_elsewhere_is_left_alone_until_its_claim_is_stale(user: User, node: FakeNode) -> None:
    node.idle = True
    run = create(user)
    assert services.run_claim(run_id=run.pk) is not None
    assert node.deliver() == [False]
    SegmentationRun.objects.filter(pk=run.pk).update(alive_at=now() - timedelta(hours=1))
    assert node.deliver() == [True]
    run.refresh_from_db()
    assert (run.status, run.attempt) == (Status.SUCCEEDED, 2)


def test_a_cancelled_run_writes_nothing_more(user: User, node: FakeNode, models: FakeModels) -> None:
    node.idle = True
    run = create(user, strategy="topic")
    models.before = lambda: services.run_cancel(run_id=run.pk) and None
    node.deliver()
    run.refresh_from_db()
    assert run.status == Status.CANCELLED
    assert run.items.get().status == Status.CANCELLED
    assert not Record.objects.filter(source_run_id=run.pk).exists()


def test_a_retry_does_what_failed_and_nothing_twice(user: User, node: FakeNode, models: FakeModels) -> None:
    from orchestrator.exceptions import RunnerCrashed

    models.error = RunnerCrashed("gone")
    run = create(user, "Bir. İki.", "Üç. Dört.", strategy="topic")
    assert run.status == Status.FAILED
    assert run.error["code"] == "runner_crashed"
    models.error = None
    services.run_retry(run_id=run.pk)
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED
    assert run.error is None
    assert Record.objects.filter(source_run_id=run.pk).count() == 2


def test_an_ended_run_cannot_be_cancelled_and_a_success_cannot_be_retried(user: User, node: FakeNode) -> None:
    run = create(user)
    with pytest.raises(TransitionNotAllowed):
        services.run_cancel(run_id=run.pk)
    with pytest.raises(TransitionNotAllowed):
        services.run_retry(run_id=run.pk)


def test_one_failing_text_of_a_batch_leaves_the_others(user: User, node: FakeNode, models: FakeModels) -> None:
    from orchestrator.exceptions import InvalidInputs

    def fail_second() -> None:
        models.error = InvalidInputs("no") if models.inputs else None

    models.before = fail_second
    run = create(user, "Bir. İki.", "Üç. Dört.", strategy="topic")
    assert run.status == Status.SUCCEEDED
    assert [item.status for item in run.items.all()] == [Status.SUCCEEDED, Status.FAILED]


def test_a_defect_ends_the_run_instead_of_looping(user: User, node: FakeNode, models: FakeModels) -> None:
    node.idle = True
    run = create(user, strategy="topic")
    models.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        node.deliver()
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert run.error["code"] == "internal_error"


def test_the_sweep_sends_lost_runs_again_and_fails_those_nobody_took(user: User, node: FakeNode) -> None:
    node.idle = True
    lost, waiting = create(user), create(user)
    services.run_claim(run_id=lost.pk)
    hour_ago = now() - timedelta(hours=1)
    SegmentationRun.objects.filter(pk=lost.pk).update(alive_at=hour_ago, sent_at=hour_ago)
    SegmentationRun.objects.filter(pk=waiting.pk).update(created_at=now() - timedelta(days=1))
    node.taken.clear()
    assert services.runs_sweep() == {"sent_again": 1, "failed": 1}
    node.deliver()
    assert {run.pk: run.status for run in SegmentationRun.objects.all()} == {
        lost.pk: Status.SUCCEEDED,
        waiting.pk: Status.FAILED,
    }


def test_a_run_whose_message_was_lost_is_sent_again_and_not_with_every_sweep(user: User, node: FakeNode) -> None:
    node.idle = True
    lost, fresh = create(user), create(user)
    node.taken.clear()  # what a broker does that restarts without its data
    SegmentationRun.objects.filter(pk=lost.pk).update(sent_at=now() - timedelta(minutes=2))
    assert services.runs_sweep() == {"sent_again": 1, "failed": 0}
    assert services.runs_sweep() == {"sent_again": 0, "failed": 0}
    node.deliver()
    lost.refresh_from_db()
    fresh.refresh_from_db()
    assert (lost.status, fresh.status) == (Status.SUCCEEDED, Status.QUEUED)


def test_every_transition_leads_to_a_known_state_and_success_is_final() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert TRANSITIONS[Status.SUCCEEDED] == frozenset()


def test_the_database_refuses_an_unknown_status_and_a_running_run_without_a_claim(user: User, node: FakeNode) -> None:
    node.idle = True
    run = create(user)
    for change in ({"status": "lost"}, {"status": "running"}, {"progress": 1.5}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SegmentationRun.objects.filter(pk=run.pk).update(**change)
