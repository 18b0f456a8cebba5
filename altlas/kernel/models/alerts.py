from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7


class Severity(models.TextChoices):
    WARNING = "warning", _("warning")
    CRITICAL = "critical", _("critical")


class AlertRule(models.Model):
    """What an operator may set of a rule; what the rule means is code (``altlas.kernel.alerting``)."""

    name = models.CharField(_("name"), primary_key=True, max_length=64)
    enabled = models.BooleanField(_("enabled"), default=True, help_text=_("Off: the rule raises nothing."))
    tell = models.BooleanField(_("tell"), default=True, help_text=_("Off: shown in the console alone, never sent."))
    severity = models.CharField(_("severity"), max_length=8, choices=Severity.choices)
    threshold = models.FloatField(
        _("threshold"), null=True, blank=True, help_text=_("In the rule's own unit; empty where it has none.")
    )

    class Meta:
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(severity__in=["warning", "critical"]), name="alertrule_severity_known")
        ]

    def __str__(self) -> str:
        return self.name


class Alert(models.Model):
    """One thing that is or was wrong; while it lasts, repetitions share the row."""

    class State(models.TextChoices):
        FIRING = "firing", _("firing")
        RESOLVED = "resolved", _("resolved")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.ForeignKey(AlertRule, on_delete=models.PROTECT, related_name="alerts", verbose_name=_("rule"))
    key = models.CharField(_("what"), max_length=200, blank=True, help_text=_("What the alert is about."))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.FIRING)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity.choices)
    summary = models.CharField(_("summary"), max_length=500, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    count = models.PositiveIntegerField(_("times seen"), default=1)
    first_at = models.DateTimeField(_("since"), default=now)
    last_at = models.DateTimeField(_("last seen"), default=now)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    told_at = models.DateTimeField(_("told"), null=True, blank=True)
    end_told_at = models.DateTimeField(_("end told"), null=True, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-last_at"]
        indexes = [
            models.Index(fields=["-last_at"], name="alert_last"),
            models.Index(fields=["id"], condition=Q(state="firing"), name="alert_firing"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["rule", "key"], condition=Q(state="firing"), name="alert_firing_once"),
            models.CheckConstraint(condition=Q(state__in=["firing", "resolved"]), name="alert_state_known"),
            models.CheckConstraint(
                condition=Q(state="firing", resolved_at__isnull=True) | Q(state="resolved", resolved_at__isnull=False),
                name="alert_resolved_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.key}".strip()


class AlertSilence(models.Model):
    """Until when alerts are not sent; they stay visible."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    rule = models.ForeignKey(
        AlertRule,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="silences",
        verbose_name=_("rule"),
        help_text=_("Empty: every rule."),
    )
    key = models.CharField(_("what"), max_length=200, blank=True, help_text=_("Empty: whatever it is about."))
    until = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=300)
    created_by = models.CharField(_("by"), max_length=150)
    created_at = models.DateTimeField(_("made"), default=now)

    class Meta:
        verbose_name = _("silence")
        verbose_name_plural = _("silences")
        ordering = ["-until"]

    def __str__(self) -> str:
        return f"{self.rule_id or '*'} {self.key}".strip()


class AlertDelivery(models.Model):
    """One message of one alert over one channel, with its tries."""

    class Channel(models.TextChoices):
        EMAIL = "email", _("e-mail")
        WEBHOOK = "webhook", _("webhook")

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        SENT = "sent", _("sent")
        FAILED = "failed", _("given up")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("alert"))
    channel = models.CharField(_("channel"), max_length=8, choices=Channel.choices)
    news = models.CharField(_("news"), max_length=8, choices=Alert.State.choices)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_at = models.DateTimeField(_("next try"), default=now)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("alert message")
        verbose_name_plural = _("alert messages")
        ordering = ["-id"]
        indexes = [models.Index(fields=["next_at"], condition=Q(state="pending"), name="alertdelivery_due")]
        constraints = [
            models.UniqueConstraint(fields=["alert", "channel", "news"], name="alertdelivery_once"),
            models.CheckConstraint(condition=Q(state__in=["pending", "sent", "failed"]), name="alertdelivery_state"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.news}"
