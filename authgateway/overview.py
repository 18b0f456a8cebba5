"""What the auth gateway says about itself to the console."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from altlas.kernel.clock import now
from altlas.kernel.overview import Figure, ServiceOverview, State
from authgateway.models import Denial, Family, SecurityEvent, SigningKey

REUSE_KINDS = ("refresh_reuse", "stale_lineage")
_RECENT = timedelta(hours=24)


def overview() -> ServiceOverview:
    """Return live sessions, refused tokens, serious events of a day and the age of the signing key."""
    instant = now()
    sessions = Family.objects.filter(revoked_at__isnull=True, absolute_expires_at__gt=instant).count()
    denied = Denial.objects.filter(expires_at__gt=instant).count()
    events = SecurityEvent.objects.filter(severity=SecurityEvent.Severity.HIGH, last_at__gte=instant - _RECENT)
    serious = events.aggregate(total=Sum("count"))["total"] or 0
    reused = events.filter(kind__in=REUSE_KINDS).aggregate(total=Sum("count"))["total"] or 0
    key = SigningKey.objects.filter(state=SigningKey.State.ACTIVE).first()
    state: State = "ok"
    reason = ""
    if key is None:
        state, reason = "failing", _("No active signing key: nobody can log in.")
    elif serious:
        state, reason = "warning", _("Serious security events in the last 24 hours; see the security events.")
    return ServiceOverview(
        name="authgateway",
        title=_("Auth gateway"),
        state=state,
        reason=reason,
        headline=Figure(label=_("live sessions"), value=f"{sessions:,}"),
        figures=(
            Figure(label=_("denylist entries"), value=f"{denied:,}"),
            Figure(label=_("serious events, 24 h"), value=f"{serious:,}"),
            Figure(label=_("refresh tokens reused, 24 h"), value=f"{reused:,}"),
            Figure(label=_("signing key age"), value=_age(instant - key.created_at) if key else "–"),
        ),
        measures={"sessions": sessions, "denied": denied, "serious": serious, "reused": reused},
        trend="sessions",
        link=reverse("admin:authgateway_family_changelist"),
    )


def _age(age: timedelta) -> str:
    return _("%(days)d d") % {"days": age.days} if age.days else _("%(hours)d h") % {"hours": age.seconds // 3600}
