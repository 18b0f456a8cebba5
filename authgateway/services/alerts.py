"""Telling operators of serious events: one mail and one signed webhook call for all that have gathered.

An event is marked before it is sent and unmarked when sending fails, so two workers never send it twice at the same
time, and the schedule tries again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import urllib.request
from datetime import datetime
from typing import Any
from urllib.error import URLError

from django.core.mail import send_mail
from django.db import transaction

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
    except (URLError, OSError) as exc:
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


def signature(body: bytes, *, moment: int, secret: str) -> str:
    """Return the value of ``X-Altlas-Signature``; the time is signed too, so that a call cannot be replayed later."""
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={mac}"


def _post(events: list[SecurityEvent]) -> None:
    body = json.dumps({"events": [_shown(event) for event in events]}).encode()
    request = urllib.request.Request(  # noqa: S310  # the scheme is checked by authgateway.E015
        conf.alert_webhook,
        data=body,
        headers={
            "Content-Type": "application/json",
            "X-Altlas-Signature": signature(body, moment=int(now().timestamp()), secret=conf.alert_secret),
        },
    )
    with urllib.request.urlopen(request, timeout=conf.alert_timeout):  # noqa: S310  # as above
        pass


def _mail(events: list[SecurityEvent]) -> None:
    lines = [
        f"{event.last_at:%Y-%m-%d %H:%M:%S} UTC  {event.kind}  user: {event.user or '-'}  "
        f"address: {event.address or '-'}  times: {event.count}"
        for event in events
    ]
    send_mail(
        subject=f"[ALT_LAS] {len(events)} serious security event{'s' if len(events) > 1 else ''}: {events[0].kind}",
        message="\n".join([*lines, "", "Look at the security events in the console for the details."]),
        from_email=None,
        recipient_list=list(conf.alert_emails),
    )
