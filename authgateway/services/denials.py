"""Lifting an entry of the denylist."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from authgateway.denylist import cache
from authgateway.models import Denial, SecurityEvent, User
from authgateway.services.security_events import event_record


def denial_lift(*, denial: Denial, actor: User | None) -> None:
    """Let the tokens of ``denial`` pass again until they expire. A revoked session stays revoked."""
    with transaction.atomic():
        event_record(
            kind="denial_lifted",
            severity=SecurityEvent.Severity.MEDIUM,
            user_id=denial.user_id,
            actor=actor,
            detail={"kind": denial.kind, "value": denial.value, "reason": denial.reason},
        )
        Denial.objects.filter(pk=denial.pk).delete()
        transaction.on_commit(partial(cache.remove, denial.kind, denial.value))
