"""Telling operators of serious events: one mail and one signed webhook call for all that have gathered.

An event is marked before it is sent and unmarked when sending fails, so two workers never send it twice at the same
time, and the schedule tries again.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from altlas.kernel.alerting.channels import mail, post_signed
from altlas.kernel.alerting.conf import conf as alerting
from altlas.kernel.clock import now
from authgateway import metrics
from authgateway.conf import conf
from authgateway.models import SecurityEvent

logger = logging.getLogger(__name__)

_MOST = 50


def alerts_send() -> int:
    """Send what is pending; return how many events were told."""
    if not (conf.alert_emails or conf.alert_webhook):
        return 0
    events = _claim(now())
    if not events:
        return 0
    try:
        if conf.alert_webhook:
            _post(events)
        if conf.alert_emails:
            _mail(events)
    except OSError as exc:
        SecurityEvent.objects.filter(pk__in=[event.pk for event in events]).update(alerted_at=None)
        metrics.alerts.labels("failed").inc(len(events))
        logger.warning("%d alerts not sent, they will be tried again: %s", len(events), exc)
        return 0
    metrics.alerts.labels("sent").inc(len(events))
    return len(events)


def _claim(moment: datetime) -> list[SecurityEvent]:
    with transaction.atomic():
        found = list(
            SecurityEvent.objects.filter(severity=SecurityEvent.Severity.HIGH, alerted_at__isnull=True)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("user")
            .order_by("id")[:_MOST]
        )
        SecurityEvent.objects.filter(pk__in=[event.pk for event in found]).update(alerted_at=moment)
    return found


def _shown(event: SecurityEvent) -> dict[str, Any]:
    return {
        "id": str(event.pk),
        "kind": event.kind,
        "severity": event.severity,
        "user": event.user.get_username() if event.user else None,
        "session": str(event.family_id) if event.family_id else None,
        "address": event.address,
        "count": event.count,
        "at": event.last_at.isoformat(),
        "detail": event.detail,
    }


def _post(events: list[SecurityEvent]) -> None:
    payload = {"events": [_shown(event) for event in events]}
    post_signed(conf.alert_webhook, payload, secret=conf.alert_secret, timeout=conf.alert_timeout)


def _mail(events: list[SecurityEvent]) -> None:
    with translation.override(alerting.language):
        found = ngettext("%(count)d serious security event", "%(count)d serious security events", len(events))
        lines = [
            f"{event.last_at:%Y-%m-%d %H:%M:%S} UTC  {event.kind}  "
            + _("user: %(user)s  address: %(address)s  times: %(count)d")
            % {"user": event.user or "-", "address": event.address or "-", "count": event.count}
            for event in events
        ]
        mail(
            f"[ALT_LAS] {found % {'count': len(events)}}: {events[0].kind}",
            [*lines, "", _("Look at the security events in the console for the details.")],
            to=conf.alert_emails,
        )
