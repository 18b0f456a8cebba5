"""Recording of security events: repetitions share a row, so a flood cannot grow the table."""

from __future__ import annotations

import hashlib
import logging
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import F
from django.db.models.functions import Now
from psycopg_pool import PoolTimeout, TooManyRequests

from altlas.kernel.clock import now
from altlas.kernel.request_id import current_request_id
from altlas.kernel.tasks import enqueue
from authgateway import metrics, refusals
from authgateway.caller import Caller
from authgateway.conf import conf
from authgateway.models import SecurityEvent, User

logger = logging.getLogger(__name__)

_WINDOW_SECONDS = 300


def event_record(
    *,
    kind: str,
    severity: str,
    user: User | None = None,
    user_id: UUID | None = None,
    actor: User | None = None,
    family_id: UUID | None = None,
    address: str | None = None,
    user_agent: str = "",
    detail: dict[str, Any] | None = None,
    aggregate: str | None = None,
    count: int = 1,
) -> None:
    """Record an event (or ``count`` of them) in the caller's transaction.

    With ``aggregate``, events of this kind and aggregate within five minutes share one row and are counted.
    """
    metrics.events.labels(kind, severity).inc(count)
    moment = now()
    key = ""
    if aggregate is not None:
        window = int(moment.timestamp()) // _WINDOW_SECONDS
        key = hashlib.sha256(f"{kind}\0{aggregate}\0{window}".encode()).hexdigest()
        if SecurityEvent.objects.filter(aggregate_key=key).update(count=F("count") + count, last_at=Now()):
            return
    event = SecurityEvent(
        kind=kind,
        severity=severity,
        user_id=user.pk if user else user_id,
        actor=actor,
        family_id=family_id,
        address=address,
        user_agent=user_agent[:256],
        request_id=current_request_id()[:128],
        detail=detail or {},
        count=count,
        first_at=moment,
        last_at=moment,
        aggregate_key=key,
    )
    # Two processes may meet here; the loser's occurrence is one count less, which does not matter.
    SecurityEvent.objects.bulk_create([event], ignore_conflicts=bool(key))
    if severity == SecurityEvent.Severity.HIGH and (conf.alert_emails or conf.alert_webhook):
        # robust: the answer to the client must not depend on the broker; the schedule sends what is left here.
        transaction.on_commit(_alert_now, robust=True)


def _alert_now() -> None:
    enqueue("authgateway.alert", on_commit=False, expires=60)


def refusal_record(*, reason: str, severity: str, caller: Caller) -> None:
    """Record that an access token was refused; never fails, never writes faster than the buffer lets it."""
    metrics.refusals.labels(reason or "unknown").inc()
    if reason in _ORDINARY:
        return
    refusal, count = refusals.buffer.note(refusals.Refusal(reason=reason, network=caller.network))
    if count == 0:
        return
    try:
        with transaction.atomic():
            event_record(
                kind=reason,
                severity=severity or SecurityEvent.Severity.LOW,
                address=caller.address,
                user_agent=caller.user_agent,
                aggregate=refusal.network,
                count=count,
            )
    except (DatabaseError, InterfaceError, PoolTimeout, TooManyRequests) as exc:
        logger.warning("%d refused tokens (%s) not recorded: %s", count, reason, exc)


# Every client sees these every few minutes; a metric is enough.
_ORDINARY = frozenset({"expired", "missing"})
