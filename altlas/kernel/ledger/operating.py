"""What an operator can do with a task, and what the console asks of the ledger."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Min

from altlas.kernel.clock import now
from altlas.kernel.errors import Conflict, NotFound, Unprocessable
from altlas.kernel.ledger.writing import State
from altlas.kernel.models import TaskRecord
from altlas.kernel.tasks import enqueue

_RUNNING_LIMIT = timedelta(hours=1)


def task_revoke(*, task_id: str, actor: str) -> None:
    """Make sure that a task that has not begun never does.

    Raises:
        NotFound
        Conflict: it has begun or ended; a thread cannot be stopped from outside. Cancel its run instead.
    """
    with transaction.atomic():
        row = _locked(task_id)
        if row.state not in (State.SENT, State.RETRY):
            raise Conflict(f"The task is {row.state}; only a task that waits can be revoked.")
        row.state, row.finished_at, row.changed_by = State.REVOKED, now(), actor[:150]
        row.save(update_fields=["state", "finished_at", "changed_by"])


def task_retry(*, task_id: str, actor: str) -> None:
    """Send a failed or revoked task again, as a new one; tasks are idempotent.

    Raises:
        NotFound
        Conflict: it has not failed.
        Unprocessable: its arguments were not kept.
        Unavailable: the broker did not take it; nothing changed.
    """
    with transaction.atomic():
        row = _locked(task_id)
        if row.state not in (State.FAILED, State.REVOKED) and not _lost(row):
            raise Conflict(f"The task is {row.state}; only a failed, revoked or lost task can be sent again.")
        if row.arguments is None:
            raise Unprocessable("The arguments of this task were not kept, so it cannot be sent again.")
        row.changed_by = actor[:150]
        if _lost(row):
            row.state, row.finished_at, row.error = State.FAILED, now(), "Its worker went away."
        row.save(update_fields=["changed_by", "state", "finished_at", "error"])
        queue = None if row.queue in ("", "altlas") else row.queue
        enqueue(row.name, args=row.arguments["args"], kwargs=row.arguments["kwargs"], queue=queue, on_commit=False)


def _lost(row: TaskRecord) -> bool:
    return row.state == State.STARTED and row.started_at is not None and row.started_at < now() - _RUNNING_LIMIT


def _locked(task_id: str) -> TaskRecord:
    row = TaskRecord.objects.select_for_update().filter(pk=task_id).first()
    if row is None:
        raise NotFound("There is no such task in the ledger.")
    return row


def counts() -> dict[str, int]:
    """Return how many tasks the ledger has by state; states without any are 0."""
    found = dict(TaskRecord.objects.order_by().values_list("state").annotate(Count("pk")))
    return {state: int(found.get(state, 0)) for state in State.values}


def queues() -> list[dict[str, Any]]:
    """Return, by queue, how many tasks wait and since when the oldest does."""
    waiting = TaskRecord.objects.filter(state__in=[State.SENT, State.RETRY]).order_by()
    moment = now()
    return [
        {"queue": queue or "–", "waiting": count, "oldest_seconds": max(0.0, (moment - oldest).total_seconds())}
        for queue, count, oldest in waiting.values_list("queue").annotate(Count("pk"), Min("sent_at")).order_by("queue")
    ]


def failed_since(moment: datetime) -> dict[str, int]:
    """Return how many tasks have failed since then, by task name."""
    failed = TaskRecord.objects.filter(state=State.FAILED, finished_at__gte=moment).order_by()
    return {name: int(count) for name, count in failed.values_list("name").annotate(Count("pk"))}
