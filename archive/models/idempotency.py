from __future__ import annotations

from django.db import models

from altlas.kernel.clock import now


class IdempotencyKey(models.Model):
    """The answer that was given to a write, kept so that its repetition gets the same one."""

    owner_id = models.UUIDField()
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    answer = models.TextField(blank=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner_id", "key"], name="archive_idempotency_key")]
        indexes = [models.Index(fields=["created_at"], name="archive_idempotency_age")]

    def __str__(self) -> str:
        return self.key
