"""Asked-for loads: the row, not the queue, makes a load happen once."""

from __future__ import annotations

from typing import Final

from django.db import models

from altlas.kernel.ids import uuid7


class JobStatus(models.TextChoices):
    QUEUED = "queued"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    JobStatus.QUEUED: frozenset({JobStatus.LOADING, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.LOADING: frozenset({JobStatus.READY, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.QUEUED}),
    JobStatus.READY: frozenset(),
    JobStatus.FAILED: frozenset(),
    JobStatus.CANCELLED: frozenset(),
}
OPEN: Final = (JobStatus.QUEUED, JobStatus.LOADING)


class LoadJob(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey("orchestrator.ModelVersion", on_delete=models.CASCADE, related_name="jobs")
    node = models.CharField(max_length=128)
    status = models.CharField(max_length=16, choices=JobStatus, default=JobStatus.QUEUED)
    priority = models.PositiveSmallIntegerField(default=1)
    attempts = models.PositiveSmallIntegerField(default=0)
    owner_seen_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True, default="")
    error_detail = models.TextField(blank=True, default="")
    requested_by = models.CharField(max_length=150, blank=True, default="")
    request_id = models.CharField(max_length=128, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "node"],
                condition=models.Q(status__in=OPEN),
                name="job_one_open_per_version_and_node",
            ),
            models.CheckConstraint(name="job_status_known", condition=models.Q(status__in=JobStatus.values)),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} on {self.node}: {self.status}"
