from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from altlas.kernel.clock import now

ACTIONS = (
    "record_create",
    "record_update",
    "record_delete",
    "record_restore",
    "record_hold",
    "record_unhold",
    "bulk_import",
    "export",
    "purge",
    "retention",
)


class AuditEntry(models.Model):
    """Who did what to which record. Keeps ids instead of foreign keys: it outlives what it tells about."""

    at = models.DateTimeField(default=now, editable=False)
    action = models.CharField(max_length=32)
    actor_id = models.UUIDField(null=True)
    owner_id = models.UUIDField()
    record_id = models.UUIDField(null=True)
    request_id = models.CharField(max_length=128, blank=True)
    # Names of changed members and counts; never their values.
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = _("audit entries")
        ordering = ["-id"]
        indexes = [
            BrinIndex(fields=["at"], name="archive_audit_at"),
            models.Index(fields=["record_id", "-id"], name="archive_audit_record"),
            models.Index(fields=["owner_id", "-id"], name="archive_audit_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.record_id}"
