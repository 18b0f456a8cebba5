from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from altlas.coordination.statuses import RunStatus
from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7
from altlas.kernel.verification import Load


class Trigger(models.TextChoices):
    COMMAND = "command", _("command")
    ADMIN = "admin", _("admin")
    SCHEDULE = "schedule", _("schedule")
    WATCH = "watch", _("watch after a rollout")


class VerificationRun(models.Model):
    """One run of one verification, and what it found."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    batch = models.UUIDField(help_text="Runs that were asked for together.")
    name = models.CharField(_("verification"), max_length=64)
    service = models.CharField(_("service"), max_length=32)
    load = models.CharField(_("load"), max_length=8, choices=[(load.value, load.value) for load in Load])
    status = models.CharField(
        _("status"), max_length=16, choices=[(s.value, s.value) for s in RunStatus], default=RunStatus.QUEUED
    )
    sabotaged = models.BooleanField(_("sabotaged"), default=False, help_text=_("A drill: it must turn red."))
    trigger = models.CharField(_("trigger"), max_length=16, choices=Trigger.choices)
    by_worker = models.BooleanField(default=True, help_text=_("Taken by a worker; else by the command that made it."))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    progress = models.FloatField(_("progress"), default=0.0)
    stage = models.CharField(_("stage"), max_length=200, blank=True)
    worker = models.CharField(_("worker"), max_length=128, blank=True)
    cancel_requested = models.BooleanField(default=False)
    metrics = models.JSONField(_("figures"), default=dict, blank=True)
    series = models.JSONField(default=list, blank=True)
    thresholds = models.JSONField(default=list, blank=True)
    notes = models.JSONField(_("notes"), default=list, blank=True)
    reasons = models.JSONField(_("reasons"), default=list, blank=True)
    environment = models.JSONField(_("environment"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created"), default=now, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    alive_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("verification run")
        verbose_name_plural = _("verification runs")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["name", "-finished_at"], name="verification_latest"),
            models.Index(fields=["status", "created_at"], name="verification_queue"),
            models.Index(fields=["batch"], name="verification_batch"),
        ]
        constraints = [
            models.CheckConstraint(name="verification_status_known", condition=Q(status__in=list(RunStatus))),
            models.CheckConstraint(
                name="verification_progress_range", condition=Q(progress__gte=0) & Q(progress__lte=1)
            ),
            # Two at a time would measure each other.
            models.UniqueConstraint(fields=["status"], condition=Q(status="running"), name="verification_one_running"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.load})"

    @property
    def command(self) -> str:
        """The command that makes the same run again."""
        drill = " --sabotage" if self.sabotaged else ""
        return f"manage.py verify {self.name} --load {self.load}{drill}"
