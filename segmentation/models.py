"""Rows of segmentation: a run, and one item per text of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7
from segmentation.statuses import Status

_STATUSES = [(status.value, status.value) for status in Status]


class SegmentationRun(models.Model):
    """One request to segment a text or a batch of texts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=16, choices=_STATUSES, default=Status.QUEUED)
    strategy = models.CharField(max_length=16)
    language = models.CharField(max_length=16, blank=True, help_text="As requested; empty when it is to be detected.")
    model = models.CharField(max_length=128, blank=True)
    options = models.JSONField(default=dict, blank=True)
    batch = models.BooleanField(default=False)
    archive = models.BooleanField(default=True)
    progress = models.FloatField(default=0.0)
    attempt = models.PositiveIntegerField(default=0, help_text="How often a node has claimed the run.")
    claim = models.UUIDField(null=True, blank=True, editable=False)
    alive_at = models.DateTimeField(null=True, blank=True, help_text="Last sign of life of the node that works on it.")
    sent_at = models.DateTimeField(default=now, editable=False, help_text="When the run was last handed to the queue.")
    request_id = models.CharField(max_length=128, blank=True)
    node = models.CharField(max_length=128, blank=True)
    timings = models.JSONField(default=dict, blank=True)
    error = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("segmentation")
        indexes = [
            models.Index(fields=["owner", "-id"], name="segmentation_run_owner"),
            models.Index(fields=["status", "created_at"], name="segmentation_run_status"),
        ]
        constraints = [
            models.CheckConstraint(name="segmentation_run_status_known", condition=models.Q(status__in=list(Status))),
            models.CheckConstraint(
                name="segmentation_run_progress_range", condition=models.Q(progress__gte=0, progress__lte=1)
            ),
            models.CheckConstraint(
                name="segmentation_run_running_is_claimed",
                condition=~models.Q(status=Status.RUNNING) | models.Q(claim__isnull=False, started_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.strategy} {self.id}"


class SegmentationItem(models.Model):
    """One text of a run and what came of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(SegmentationRun, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    status = models.CharField(max_length=16, choices=_STATUSES, default=Status.QUEUED)
    text = models.TextField(blank=True)
    language = models.CharField(max_length=16, blank=True)
    segments = models.JSONField(default=list, blank=True, help_text="[start, end, score] of every segment.")
    extra = models.JSONField(default=dict, blank=True, help_text="What a strategy gives beside segments.")
    record_id = models.UUIDField(null=True, blank=True)
    warnings = models.JSONField(default=list, blank=True)
    timings = models.JSONField(default=dict, blank=True)
    error = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name = _("text of a segmentation")
        verbose_name_plural = _("texts of segmentations")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["run", "position"], name="segmentation_item_position"),
            models.CheckConstraint(name="segmentation_item_status_known", condition=models.Q(status__in=list(Status))),
        ]

    def __str__(self) -> str:
        return f"{self.run_id}/{self.position}"
