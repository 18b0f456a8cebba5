"""Writes of the ledger. It watches the work and must never stop it: a database that is away costs the row alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import F
from psycopg_pool import PoolTimeout, TooManyRequests

from altlas.kernel import metrics
from altlas.kernel.clock import now
from altlas.kernel.ledger.conf import conf
from altlas.kernel.models import Sample, TaskRecord

logger = logging.getLogger(__name__)

_LARGEST_ARGUMENTS = 2000
State = TaskRecord.State
_OPEN = (State.SENT, State.STARTED, State.RETRY)


@contextmanager
def _harmless() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except (DatabaseError, InterfaceError, PoolTimeout, TooManyRequests) as exc:
        metrics.ledger_lost.inc()
        logger.warning("the task ledger could not be written: %s", exc)


def note_sent(
    *, task_id: str, name: str, queue: str, args: Sequence[Any], kwargs: Mapping[str, Any], request_id: str
) -> None:
    """Note a task that the broker took. One that has started already stays as it is."""
    row = TaskRecord(
        id=task_id, name=name, queue=queue, arguments=_kept(args, kwargs), request_id=request_id[:128], sent_at=now()
    )
    with _harmless():
        TaskRecord.objects.bulk_create([row], ignore_conflicts=True)


def _kept(args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
    # Whoever waits for an answer has gone when an operator looks; and such arguments hold the caller's texts.
    if "reply_id" in kwargs:
        return None
    arguments = {"args": list(args), "kwargs": dict(kwargs)}
    return arguments if len(json.dumps(arguments, default=str)) <= _LARGEST_ARGUMENTS else None


def note_started(*, task_id: str, name: str, queue: str, node: str, request_id: str, retries: int) -> bool:
    """Note that a worker begins; False when the task was revoked and must not run."""
    allowed = True
    with _harmless():
        moment = now()
        row, made = TaskRecord.objects.select_for_update().get_or_create(
            id=task_id, defaults={"name": name, "queue": queue, "request_id": request_id[:128], "sent_at": moment}
        )
        if not made and row.state == State.REVOKED:
            allowed = False
        else:
            TaskRecord.objects.filter(pk=task_id).update(
                state=State.STARTED,
                node=node[:200],
                started_at=moment,
                finished_at=None,
                retries=retries,
                deliveries=F("deliveries") + 1,
            )
    return allowed


def note_ended(*, task_id: str, state: str, error: str = "") -> None:
    """Note how a delivery ended: ``succeeded``, ``failed`` or ``retry``."""
    with _harmless():
        TaskRecord.objects.filter(pk=task_id, state=State.STARTED).update(
            state=state, error=error[:500], finished_at=None if state == State.RETRY else now()
        )


def ledger_purge() -> int:
    """Delete what the settings no longer keep; return how many rows went."""
    moment = now()
    gone = TaskRecord.objects.filter(
        state=State.SUCCEEDED, finished_at__lt=moment - timedelta(hours=conf.hours)
    ).delete()[0]
    gone += TaskRecord.objects.filter(sent_at__lt=moment - timedelta(days=conf.failed_days)).delete()[0]
    over = TaskRecord.objects.exclude(state__in=_OPEN).order_by("-sent_at").values_list("pk", flat=True)
    if surplus := list(over[conf.rows : conf.rows + 50_000]):
        gone += TaskRecord.objects.filter(pk__in=surplus).delete()[0]
    Sample.objects.filter(at__lt=moment - timedelta(days=conf.sample_days)).delete()
    return gone
