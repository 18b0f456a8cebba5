from __future__ import annotations

from django.db import models

from altlas.kernel.clock import now


class ImportMark(models.Model):
    """How many rows of a file were dealt with; kept with them in one transaction."""

    source = models.CharField(max_length=64)  # SHA-256 of the file
    owner_id = models.UUIDField()
    rows = models.BigIntegerField(default=0)
    begun_at = models.DateTimeField(default=now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "owner_id"], name="archive_import_mark")]

    def __str__(self) -> str:
        return f"{self.source[:12]}: {self.rows}"
