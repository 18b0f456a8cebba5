"""Keeping the memory watch's readings and alerts, and telling operators."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.core.mail import send_mail
from django.db import transaction

from altlas.kernel import clock, webhooks
from altlas.kernel.errors import Unavailable
from altlas.kernel.tasks import enqueue
from orchestrator.models import MemoryAlert, MemorySample
from orchestrator.watch import metrics
from orchestrator.watch.conf import conf
from orchestrator.watch.readings import Reading
from orchestrator.watch.thresholds import Crossing, Level

logger = logging.getLogger(__name__)
_MOST = 50


def memory_samples_record(*, node: str, at: datetime, readings: Sequence[Reading]) -> None:
    MemorySample.objects.bulk_create(
        MemorySample(node=node, at=at, **{**asdict(reading), "told": dict(reading.told)}) for reading in readings
    )


def memory_samples_purge(*, node: str) -> int:
    """Delete what is too old or too much of ``node``'s series, and alerts long over; return how many rows went."""
    samples = MemorySample.objects.filter(node=node)
    gone, _ = samples.filter(at__lt=clock.now() - timedelta(hours=conf.keep_hours)).delete()
    edge = samples.order_by("-id").values_list("id", flat=True)[conf.keep_rows : conf.keep_rows + 1].first()
    if edge is not None:
        more, _ = samples.filter(id__lte=edge).delete()
        gone += more
    over, _ = MemoryAlert.objects.filter(node=node, ended_at__lt=clock.now() - timedelta(days=conf.alert_days)).delete()
    return gone + over


def memory_alerts_record(*, node: str, at: datetime, crossings: Sequence[Crossing]) -> list[MemoryAlert]:
    """Raise and end alerts; the ones raised are returned and operators will be told of them."""
    raised = []
    with transaction.atomic():
        for crossing in crossings:
            MemoryAlert.objects.filter(node=node, pid=crossing.pid, name=crossing.name, ended_at__isnull=True).exclude(
                level=crossing.level
            ).update(ended_at=at)
            if crossing.level is Level.NONE:
                continue
            alert, made = MemoryAlert.objects.get_or_create(
                node=node, pid=crossing.pid, level=crossing.level.value, ended_at=None,
                defaults={
                    "at": at, "kind": crossing.kind, "name": crossing.name, "value": crossing.value,
                    "limit": crossing.limit, "action": crossing.action.value,
                },
            )  # fmt: skip
            if made:
                raised.append(alert)
    if raised and (conf.alert_emails or conf.alert_webhook):
        try:
            enqueue("orchestrator.memory_alerts", on_commit=False)
        except Unavailable as exc:
            logger.warning("operators hear of %d memory alerts by the schedule only: %s", len(raised), exc)
    return raised


def memory_alerts_close(*, node: str) -> int:
    """End what a node that has just started left open: the processes that it was about are gone."""
    return MemoryAlert.objects.filter(node=node, ended_at__isnull=True).update(ended_at=clock.now())


def memory_alerts_tell() -> int:
    """Tell operators of alerts they were not told of, in one mail and one signed call; return how many."""
    if not (conf.alert_emails or conf.alert_webhook):
        return 0
    alerts = _claim(clock.now())
    if not alerts:
        return 0
    try:
        if conf.alert_webhook:
            webhooks.post(
                conf.alert_webhook,
                {"alerts": [_shown(alert) for alert in alerts]},
                secret=conf.alert_secret,
                timeout=conf.alert_timeout,
            )
        if conf.alert_emails:
            _mail(alerts)
    except OSError as exc:
        MemoryAlert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(told_at=None)
        metrics.TOLD_TOTAL.labels("failed").inc(len(alerts))
        logger.warning("%d memory alerts not sent, they will be tried again: %s", len(alerts), exc)
        return 0
    metrics.TOLD_TOTAL.labels("sent").inc(len(alerts))
    return len(alerts)


def _claim(moment: datetime) -> list[MemoryAlert]:
    # Marked before it is sent and unmarked when sending fails: two workers never send the same one.
    with transaction.atomic():
        found = list(
            MemoryAlert.objects.filter(told_at__isnull=True).select_for_update(skip_locked=True).order_by("id")[:_MOST]
        )
        MemoryAlert.objects.filter(pk__in=[alert.pk for alert in found]).update(told_at=moment)
    return found


def _shown(alert: MemoryAlert) -> dict[str, Any]:
    return {
        "id": alert.pk,
        "at": alert.at.isoformat(),
        "ended_at": alert.ended_at.isoformat() if alert.ended_at else None,
        "level": alert.level,
        "node": alert.node,
        "kind": alert.kind,
        "name": alert.name,
        "pid": alert.pid,
        "bytes": alert.value,
        "limit_bytes": alert.limit,
        "action": alert.action,
    }


def _mail(alerts: list[MemoryAlert]) -> None:
    lines = [
        f"{alert.at:%Y-%m-%d %H:%M:%S} UTC  {alert.level}  {alert.name} (process {alert.pid}) on {alert.node}: "
        f"{alert.value / 2**20:,.0f} MB of {alert.limit / 2**20:,.0f} MB; action: {alert.action}"
        for alert in alerts
    ]
    send_mail(
        subject=f"[ALT_LAS] {len(alerts)} memory alert{'s' if len(alerts) > 1 else ''}: {alerts[0].name}",
        message="\n".join([*lines, "", "Look at the memory pages of the orchestrator in the console for the course."]),
        from_email=None,
        recipient_list=list(conf.alert_emails),
    )
