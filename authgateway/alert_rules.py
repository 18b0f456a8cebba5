"""What the auth gateway finds worth an alert."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from altlas.kernel.alerting import Finding, Rule, register_rule
from altlas.kernel.clock import now
from authgateway.models import SecurityEvent


def register() -> None:
    register_rule(
        Rule(
            name="security_events",
            title=_("Serious security events"),
            severity="critical",
            help=_("A serious event of one kind within the last hour, such as the reuse of a refresh token."),
            threshold=0,
            unit=_("events an hour"),
            probe=_serious,
        )
    )


def _serious(threshold: float | None) -> Iterator[Finding]:
    recent = SecurityEvent.objects.filter(
        severity=SecurityEvent.Severity.HIGH, last_at__gte=now() - timedelta(hours=1)
    ).order_by()
    for kind, total in recent.values_list("kind").annotate(Sum("count")):
        if total > (threshold or 0):
            yield Finding(key=kind, summary=f"{total} in the last hour", detail={"count": total})
