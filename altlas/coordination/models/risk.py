from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from altlas.coordination.statuses import RiskState
from altlas.kernel.clock import now


class Severity(models.IntegerChoices):
    LOW = 1, _("low")
    MEDIUM = 2, _("medium")
    HIGH = 3, _("high")
    CRITICAL = 4, _("critical")


class Risk(models.Model):
    """Something that may go wrong, or that is in the way (a blocker)."""

    class Kind(models.TextChoices):
        RISK = "risk", _("risk")
        BLOCKER = "blocker", _("blocker")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    rule = models.CharField(
        _("rule"), max_length=120, blank=True, help_text=_("What a rule found; empty: entered by hand.")
    )
    title = models.CharField(_("title"), max_length=200)
    detail = models.TextField(_("detail"), blank=True)
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity.choices, default=Severity.MEDIUM)
    state = models.CharField(
        _("state"), max_length=12, choices=[(s.value, s.value) for s in RiskState], default=RiskState.OPEN
    )
    item = models.ForeignKey(
        "coordination.WorkItem", null=True, blank=True, on_delete=models.SET_NULL, related_name="risks"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("owner"),
    )
    opened_at = models.DateTimeField(_("opened"), default=now, editable=False)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolution = models.TextField(_("resolution"), blank=True)

    class Meta:
        verbose_name = _("risk or blocker")
        verbose_name_plural = _("risks and blockers")
        ordering = ["-severity", "opened_at"]
        constraints = [
            models.CheckConstraint(name="risk_state_known", condition=Q(state__in=list(RiskState))),
            models.CheckConstraint(
                name="risk_resolved_with_resolution",
                condition=Q(state="resolved", resolved_at__isnull=False) & ~Q(resolution="")
                | (~Q(state="resolved") & Q(resolved_at__isnull=True)),
            ),
            models.UniqueConstraint(
                fields=["rule"], condition=~Q(rule="") & ~Q(state="resolved"), name="risk_one_open_per_rule"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def age(self) -> timedelta:
        return (self.resolved_at or now()) - self.opened_at
