"""Deleting what has expired, in batches small enough that nobody waits for their locks.

Evidence of reuse stays for the absolute lifetime: a session's rows go only when no token of it could still be alive
had it never been revoked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet

from altlas.kernel.clock import now
from authgateway.conf import conf
from authgateway.models import Attempts, Denial, Family, RefreshToken, SecurityEvent

BATCH = 1000


def purge(*, batch: int = BATCH) -> dict[str, int]:
    """Delete expired rows; return how many of each kind."""
    moment = now()
    kept_events = moment - timedelta(days=conf.event_days)
    return {
        "attempts": _in_batches(Attempts.objects.filter(expires_at__lt=moment), batch),
        "denials": _in_batches(Denial.objects.filter(expires_at__lt=moment), batch),
        "sessions": _in_batches(Family.objects.filter(absolute_expires_at__lt=moment), batch),
        "events": _in_batches(SecurityEvent.objects.filter(last_at__lt=kept_events), batch),
        "nonces": _wipe_nonces(batch),
    }


def _in_batches(expired: QuerySet[Any], batch: int) -> int:
    def step() -> int:
        ids = list(expired.order_by("pk").values_list("pk", flat=True)[:batch])
        deleted: int = expired.model._default_manager.filter(pk__in=ids).delete()[1].get(expired.model._meta.label, 0)
        return deleted

    return _repeat(step, batch)


def _wipe_nonces(batch: int) -> int:
    """Forget what could derive a successor again once no retry may have it."""
    over = now() - timedelta(seconds=conf.grace_seconds)

    def step() -> int:
        ids = RefreshToken.objects.filter(
            Q(successor_nonce__isnull=False) & (Q(used_at__lt=over) | Q(family__revoked_at__isnull=False))
        ).values_list("pk", flat=True)[:batch]
        return RefreshToken.objects.filter(pk__in=list(ids)).update(successor_nonce=None)

    return _repeat(step, batch)


def _repeat(step: Callable[[], int], batch: int) -> int:
    total = 0
    while (done := step()) > 0:
        total += done
        if done < batch:
            break
    return total
