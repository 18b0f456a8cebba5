from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from altlas.kernel.clock import now


class TaskRecord(models.Model):
    """What became of one background task (docs/decisions/0060)."""

    class State(models.TextChoices):
        SENT = "sent", _("waiting")
        STARTED = "started", _("running")
        RETRY = "retry", _("waiting to try again")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        REVOKED = "revoked", _("revoked")

    id = models.CharField(_("id"), primary_key=True, max_length=64)
    name = models.CharField(_("task"), max_length=200)
    queue = models.CharField(_("queue"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.SENT)
    arguments = models.JSONField(
        _("arguments"), null=True, blank=True, help_text=_("Kept when they are small and nobody waits for the answer.")
    )
    request_id = models.CharField(_("request"), max_length=128, blank=True)
    node = models.CharField(_("node"), max_length=200, blank=True)
    deliveries = models.PositiveIntegerField(_("deliveries"), default=0)
    retries = models.PositiveIntegerField(_("retries"), default=0)
    error = models.CharField(_("error"), max_length=500, blank=True)
    sent_at = models.DateTimeField(_("sent"), default=now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    changed_by = models.CharField(_("revoked or sent again by"), max_length=150, blank=True)

    class Meta:
        verbose_name = _("background job")
        verbose_name_plural = _("background jobs")
        ordering = ["-sent_at"]
        indexes = [
            models.Index(fields=["-sent_at"], name="taskrecord_sent"),
            models.Index(fields=["state", "-sent_at"], name="taskrecord_state_sent"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["sent", "started", "retry", "succeeded", "failed", "revoked"]),
                name="taskrecord_state_known",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Sample(models.Model):
    """One figure at one moment; the console draws its trends from these."""

    id = models.BigAutoField(primary_key=True)
    series = models.CharField(max_length=100)
    at = models.DateTimeField()
    value = models.FloatField()

    class Meta:
        indexes = [models.Index(fields=["series", "at"], name="sample_series_at")]

    def __str__(self) -> str:
        return self.series


class Preference(models.Model):
    """What an account has chosen for itself in the console."""

    # No foreign key: the kernel does not know who keeps the accounts.
    user_id = models.UUIDField(primary_key=True)
    language = models.CharField(_("language"), max_length=8)

    def __str__(self) -> str:
        return self.language
