"""Writes of alerts, one function per verb."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from altlas.kernel.alerting import rules
from altlas.kernel.alerting.conf import conf
from altlas.kernel.clock import now
from altlas.kernel.errors import FieldError, InvalidInput
from altlas.kernel.models import Alert, AlertDelivery, AlertRule, AlertSilence
from altlas.kernel.tasks import enqueue

SEND = "altlas.alerts_send"


def raise_alert(
    name: str,
    *,
    key: str = "",
    summary: str = "",
    detail: Mapping[str, Any] | None = None,
    severity: rules.Severity | None = None,
) -> Alert | None:
    """Say that something is wrong; return its alert, or None when an operator has switched the rule off.

    The same rule and key while it is firing is one alert, counted. ``severity`` overrides the rule's. It takes part in
    the caller's transaction; who is to be told is told after it.

    Raises:
        KeyError: the rule was never registered.
    """
    row = rule_row(name)
    if not row.enabled:
        return None
    moment = now()
    news: dict[str, Any] = {"summary": summary[:500], "detail": dict(detail or {}), "last_at": moment}
    news["severity"] = severity or row.severity
    firing = Alert.objects.filter(rule=row, key=key[:200], state=Alert.State.FIRING)
    if not firing.update(count=F("count") + 1, **news):
        try:
            with transaction.atomic():
                alert = Alert.objects.create(rule=row, key=key[:200], first_at=moment, **news)
        except IntegrityError:
            firing.update(count=F("count") + 1, **news)  # another process was first
        else:
            _tell_soon()
            return alert
    return firing.first()


def resolve_alert(name: str, *, key: str = "") -> bool:
    """Say that it is over; False when nothing was firing."""
    moment = now()
    firing = Alert.objects.filter(rule_id=name, key=key[:200], state=Alert.State.FIRING)
    if not firing.update(state=Alert.State.RESOLVED, resolved_at=moment):
        return False
    _tell_soon()
    return True


def rule_row(name: str) -> AlertRule:
    """Return what operators have set of a rule; made from its defaults when it is new."""
    declared = rules.rule(name)
    row, _ = AlertRule.objects.get_or_create(
        name=name, defaults={"severity": declared.severity, "threshold": declared.threshold}
    )
    return row


def rules_provision() -> None:
    """Make a row for every declared rule; what operators have set stays."""
    for name in rules.rules():
        rule_row(name)


def silence_create(*, rule: str | None, key: str, until: datetime, reason: str, actor: str) -> AlertSilence:
    """Send nothing of ``rule`` (None: of any) and ``key`` (empty: any) until then.

    Raises:
        InvalidInput: the end has passed, or no reason is given.
    """
    if until <= now():
        raise InvalidInput(
            "A silence ends in the future.", errors=[FieldError(pointer="/until", code="past", detail="Has passed.")]
        )
    if not reason.strip():
        raise InvalidInput(
            "A silence needs a reason.", errors=[FieldError(pointer="/reason", code="required", detail="Give one.")]
        )
    return AlertSilence.objects.create(rule_id=rule, key=key[:200], until=until, reason=reason[:300], created_by=actor)


def silence_end(*, silence: AlertSilence) -> None:
    """End a silence now; what is still firing is told at the next round."""
    AlertSilence.objects.filter(pk=silence.pk, until__gt=now()).update(until=now())


def alerts_purge() -> int:
    """Delete resolved alerts that are older than the settings keep; return how many."""
    old = Alert.objects.filter(state=Alert.State.RESOLVED, resolved_at__lt=now() - timedelta(days=conf.days))
    deleted = old.count()
    AlertDelivery.objects.filter(alert__in=old).delete()
    old.delete()
    return deleted


def _tell_soon() -> None:
    if conf.emails or conf.webhook:
        # robust: nothing may depend on the broker here; the schedule sends what is left.
        transaction.on_commit(_send_now, robust=True)


def _send_now() -> None:
    enqueue(SEND, on_commit=False, expires=60)
