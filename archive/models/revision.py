from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from altlas.kernel.clock import now
from archive.conf import KIND_MAXIMUM, LANGUAGE_MAXIMUM, TAG_MAXIMUM, TITLE_MAXIMUM


class RecordRevision(models.Model):
    """What a record was before an edit; ``version`` is the version that it had then."""

    record = models.ForeignKey("archive.Record", on_delete=models.CASCADE, related_name="revisions", db_index=False)
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=KIND_MAXIMUM)
    status = models.CharField(max_length=16)
    title = models.CharField(max_length=TITLE_MAXIMUM, blank=True)
    text = models.TextField(blank=True)
    payload = models.JSONField(default=dict)
    tags = ArrayField(models.CharField(max_length=TAG_MAXIMUM), default=list)
    language = models.CharField(max_length=LANGUAGE_MAXIMUM, blank=True)
    success_rate = models.FloatField(null=True)
    replaced_at = models.DateTimeField(default=now)
    replaced_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )

    class Meta:
        ordering = ["record", "-version"]
        constraints = [models.UniqueConstraint(fields=["record", "version"], name="archive_revision_version")]

    def __str__(self) -> str:
        return f"{self.record_id} v{self.version}"
