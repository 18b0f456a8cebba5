"""Recording of security events: repetitions share a row, so a flood cannot grow the table."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from altlas.kernel.clock import now
from altlas.kernel.request_id import current_request_id
from authgateway.models import SecurityEvent, User

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
) -> None:
    """Record an event in the caller's transaction.

    With ``aggregate``, events of this kind and aggregate within five minutes share one row and are counted.
    """
    moment = now()
    key = ""
    if aggregate is not None:
        window = int(moment.timestamp()) // _WINDOW_SECONDS
        key = hashlib.sha256(f"{kind}\0{aggregate}\0{window}".encode()).hexdigest()
        if SecurityEvent.objects.filter(aggregate_key=key).update(count=F("count") + 1, last_at=Now()):
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
        first_at=moment,
        last_at=moment,
        aggregate_key=key,
    )
    # Two processes may meet here; the loser's occurrence is one count less, which does not matter.
    SecurityEvent.objects.bulk_create([event], ignore_conflicts=bool(key))
