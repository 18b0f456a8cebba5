"""The two tables as the peers see them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

SHOWN = (
    "id", "owner_id", "kind", "status", "title", "tags", "language", "success_rate", "source_run_id", "on_hold",
    "version", "created_at", "updated_at",
)  # fmt: skip


class _Columns(models.Model):
    id = models.UUIDField(primary_key=True)
    owner_id = models.UUIDField()
    kind = models.CharField(max_length=64)
    status = models.CharField(max_length=16)
    title = models.CharField(max_length=300)
    text = models.TextField()
    payload = models.JSONField()
    tags = ArrayField(models.CharField(max_length=64))
    language = models.CharField(max_length=16)
    success_rate = models.FloatField(null=True)
    source_run_id = models.UUIDField(null=True)
    on_hold = models.BooleanField()
    version = models.IntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self.pk)


class NaiveRecord(_Columns):
    class Meta:
        app_label = "bench"
        managed = False
        db_table = "bench_naive"


class PeerRecord(_Columns):
    """The product's own table with the product's indexes."""

    class Meta:
        app_label = "bench"
        managed = False
        db_table = "archive_record"
