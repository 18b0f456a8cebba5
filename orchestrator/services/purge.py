"""Deleting old entries of the decision log and load jobs that have ended, in batches that keep nobody waiting."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Model as Row
from django.db.models import QuerySet

from altlas.kernel import clock
from orchestrator.conf import conf
from orchestrator.models import CacheEvent, LoadJob

_BATCH = 1000
_MOST_BATCHES = 100  # the next time goes on


def history_purge() -> dict[str, int]:
    """Delete what is older than ``ALTLAS_MODEL_HISTORY_DAYS``; return how many events and jobs went."""
    edge = clock.now() - timedelta(days=conf.history_days)
    return {
        "events": _purge(CacheEvent.objects.filter(at__lt=edge)),
        "jobs": _purge(LoadJob.objects.filter(finished_at__lt=edge)),
    }


def _purge(expired: QuerySet[Row]) -> int:
    gone = 0
    for _ in range(_MOST_BATCHES):
        ids = list(expired.order_by("pk").values_list("pk", flat=True)[:_BATCH])
        if not ids:
            break
        gone += expired.filter(pk__in=ids).delete()[0]
    return gone
