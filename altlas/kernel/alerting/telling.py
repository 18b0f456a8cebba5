"""Telling people of alerts: messages are rows first, then sent, and tried again with growing pauses.

A message is put off by its next pause before it is sent, so two workers never send it at the same time, and one that
dies while sending leaves it for later. A receiver may thus see a message twice, never not at all; it has an id.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from altlas.kernel import metrics
from altlas.kernel.alerting import channels, rules
from altlas.kernel.alerting.conf import conf
from altlas.kernel.clock import now
from altlas.kernel.models import Alert, AlertDelivery, AlertSilence

logger = logging.getLogger(__name__)

_MOST = 50
_FIRST_PAUSE = 30.0
_LONGEST_PAUSE = 3600.0


def alerts_send() -> int:
    """Make the messages that are due, send them, and return how many were sent."""
    ways = _ways()
    if not ways:
        return 0
    moment = now()
    _note_firing(moment, list(ways))
    _note_resolved(moment, list(ways))
    return sum(_send(channel, send, moment) for channel, send in ways.items())


def _ways() -> dict[str, Callable[[Sequence[AlertDelivery]], None]]:
    found: dict[str, Callable[[Sequence[AlertDelivery]], None]] = {}
    if conf.webhook:
        found[AlertDelivery.Channel.WEBHOOK] = _post
    if conf.emails:
        found[AlertDelivery.Channel.EMAIL] = _mail
    return found


def silenced(alert: Alert, moment: datetime) -> bool:
    """Whether a silence covers the alert."""
    return (
        AlertSilence.objects.filter(until__gt=moment)
        .filter(Q(rule__isnull=True) | Q(rule_id=alert.rule_id))
        .filter(Q(key="") | Q(key=alert.key))
        .exists()
    )


def _note_firing(moment: datetime, ways: list[str]) -> None:
    with transaction.atomic():
        fresh = Alert.objects.filter(state=Alert.State.FIRING, told_at__isnull=True, rule__tell=True)
        for alert in fresh.select_for_update(skip_locked=True, of=("self",)).order_by("id")[:_MOST]:
            if not silenced(alert, moment):
                _note(alert, Alert.State.FIRING, ways)
                alert.told_at = moment
                alert.save(update_fields=["told_at"])


def _note_resolved(moment: datetime, ways: list[str]) -> None:
    with transaction.atomic():
        over = Alert.objects.filter(
            state=Alert.State.RESOLVED,
            told_at__isnull=False,
            end_told_at__isnull=True,
            # What was told before these columns' alerts were purged stays told.
            resolved_at__gt=moment - timedelta(days=7),
        )
        for alert in over.select_for_update(skip_locked=True, of=("self",)).order_by("id")[:_MOST]:
            _note(alert, Alert.State.RESOLVED, ways)
            alert.end_told_at = moment
            alert.save(update_fields=["end_told_at"])


def _note(alert: Alert, news: str, ways: list[str]) -> None:
    AlertDelivery.objects.bulk_create(
        [AlertDelivery(alert=alert, channel=channel, news=news) for channel in ways], ignore_conflicts=True
    )


def _send(channel: str, send: Callable[[Sequence[AlertDelivery]], None], moment: datetime) -> int:
    due = _claim(channel, moment)
    if not due:
        return 0
    chosen = AlertDelivery.objects.filter(pk__in=[delivery.pk for delivery in due])
    try:
        send(due)
    except OSError as exc:
        chosen.update(error=f"{type(exc).__name__}: {exc}"[:300])
        given_up = chosen.filter(attempts__gte=conf.attempts).update(state=AlertDelivery.State.FAILED)
        metrics.alert_messages.labels(channel, "failed").inc(len(due))
        logger.warning("%d alert messages by %s not sent (%d given up): %s", len(due), channel, given_up, exc)
        return 0
    chosen.update(state=AlertDelivery.State.SENT, sent_at=now(), error="")
    metrics.alert_messages.labels(channel, "sent").inc(len(due))
    return len(due)


def _claim(channel: str, moment: datetime) -> list[AlertDelivery]:
    with transaction.atomic():
        pending = AlertDelivery.objects.filter(
            state=AlertDelivery.State.PENDING, channel=channel, next_at__lte=moment + timedelta(seconds=1)
        )
        due = list(
            pending.select_for_update(skip_locked=True, of=("self",)).select_related("alert").order_by("id")[:_MOST]
        )
        for delivery in due:
            delivery.next_at = moment + timedelta(seconds=pause(delivery.attempts))
            delivery.attempts += 1
        AlertDelivery.objects.bulk_update(due, ["next_at", "attempts"])
    return due


def pause(attempts: int) -> float:
    """Return the seconds to wait after so many tries before this one."""
    return float(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempts, 16)))


def shown(delivery: AlertDelivery) -> dict[str, Any]:
    """Return an alert message as the webhook carries it."""
    alert = delivery.alert
    return {
        "id": str(delivery.pk),
        "alert": str(alert.pk),
        "state": delivery.news,
        "rule": alert.rule_id,
        "key": alert.key,
        "severity": alert.severity,
        "title": rules.title(alert.rule_id),
        "summary": alert.summary,
        "detail": alert.detail,
        "count": alert.count,
        "first_at": alert.first_at.isoformat(),
        "last_at": alert.last_at.isoformat(),
        "resolved_at": alert.resolved_at.isoformat() if alert.resolved_at else None,
    }


def _post(deliveries: Sequence[AlertDelivery]) -> None:
    with translation.override(conf.language):
        payload = {"alerts": [shown(delivery) for delivery in deliveries]}
    channels.post_signed(conf.webhook, payload, secret=conf.secret, timeout=conf.timeout)


def _mail(deliveries: Sequence[AlertDelivery]) -> None:
    with translation.override(conf.language):
        first = deliveries[0]
        subject = f"[ALT_LAS] {_news(first)}: {rules.title(first.alert.rule_id)} {first.alert.key}".rstrip()
        if len(deliveries) > 1:
            subject += " " + _("and %(count)d more") % {"count": len(deliveries) - 1}
        lines = [line for delivery in deliveries for line in _lines(delivery)]
        channels.mail(subject, [*lines, _("The console shows all alerts and lets you silence them.")], to=conf.emails)


def _news(delivery: AlertDelivery) -> str:
    return str(delivery.alert.severity if delivery.news == Alert.State.FIRING else _("over")).upper()


def _lines(delivery: AlertDelivery) -> list[str]:
    alert = delivery.alert
    since = timezone.localtime(alert.first_at)
    return [
        f"{_news(delivery)}  {rules.title(alert.rule_id)}  {alert.key}".rstrip(),
        f"  {alert.summary}",
        "  " + _("since %(time)s, seen %(count)d times") % {"time": f"{since:%Y-%m-%d %H:%M:%S}", "count": alert.count},
        "",
    ]
