from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from pgvector.django import HalfVectorField, HnswIndex

from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7
from archive.conf import EMBEDDING_DIMENSIONS, KIND_MAXIMUM, LANGUAGE_MAXIMUM, TAG_MAXIMUM, TITLE_MAXIMUM
from archive.statuses import Status

_ALIVE = Q(deleted_at__isnull=True)
# Neither column has NULLs. Their unusual place keeps these indexes apart from archive_created: see archive.orderings.
_THEN_DOWN = (F("created_at").desc(nulls_last=True), F("id").desc(nulls_last=True))


class RecordQuerySet(models.QuerySet["Record"]):
    def alive(self) -> RecordQuerySet:
        return self.filter(deleted_at__isnull=True)

    def light(self) -> RecordQuerySet:
        """Leave the large columns in the database."""
        return self.defer("text", "payload", "embedding")


class Record(models.Model):
    """One archived result: what was done to which text, and what came out."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Indexed by the composite indexes below. An account with records is deactivated, never deleted.
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=KIND_MAXIMUM)
    status = models.CharField(
        max_length=16, choices=[(status.value, status.name.capitalize()) for status in Status], default=Status.ACTIVE
    )
    title = models.CharField(max_length=TITLE_MAXIMUM, blank=True)
    text = models.TextField(blank=True)
    payload = models.JSONField(default=dict, blank=True)
    tags = ArrayField(models.CharField(max_length=TAG_MAXIMUM), default=list, blank=True)
    language = models.CharField(max_length=LANGUAGE_MAXIMUM, blank=True)
    success_rate = models.FloatField(null=True, blank=True)
    source_run_id = models.UUIDField(null=True, blank=True)
    embedding = HalfVectorField(dimensions=EMBEDDING_DIMENSIONS, null=True, blank=True)
    on_hold = models.BooleanField(default=False, help_text="Kept by retention and refused to deletion.")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = RecordQuerySet.as_manager()

    class Meta:
        # Every ordering of archive.orderings has its index here; tests/archive/test_plans.py proves it.
        indexes = [
            models.Index("owner", F("created_at").desc(), F("id").desc(), name="archive_created", condition=_ALIVE),
            models.Index("owner", F("updated_at").desc(), F("id").desc(), name="archive_updated", condition=_ALIVE),
            models.Index("owner", "title", "id", name="archive_title", condition=_ALIVE),
            models.Index("owner", "kind", *_THEN_DOWN, name="archive_kind", condition=_ALIVE),
            models.Index("owner", "status", *_THEN_DOWN, name="archive_status", condition=_ALIVE),
            models.Index(
                "owner",
                F("success_rate").desc(nulls_last=True),
                F("created_at").asc(nulls_first=True),
                F("id").asc(nulls_first=True),
                name="archive_success",
                condition=_ALIVE,
            ),
            models.Index(
                "owner",
                F("deleted_at").desc(),
                F("id").desc(),
                name="archive_trash",
                condition=Q(deleted_at__isnull=False),
            ),
            models.Index(fields=["source_run_id"], name="archive_run", condition=Q(source_run_id__isnull=False)),
            GinIndex(fields=["tags"], name="archive_tags"),
            GinIndex(fields=["payload"], name="archive_payload", opclasses=["jsonb_path_ops"]),
            models.Index(fields=["owner"], name="archive_embedded", condition=_ALIVE & Q(embedding__isnull=False)),
            HnswIndex(
                name="archive_hnsw",
                fields=["embedding"],
                opclasses=["halfvec_cosine_ops"],
                m=16,
                ef_construction=64,
                condition=_ALIVE,
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="archive_status_known", condition=Q(status__in=[status.value for status in Status])
            ),
            # NaN sorts above every number in PostgreSQL, so it is refused too.
            models.CheckConstraint(
                name="archive_success_rate_range",
                condition=Q(success_rate__isnull=True) | Q(success_rate__gte=0, success_rate__lte=1),
            ),
            models.CheckConstraint(name="archive_kind_given", condition=~Q(kind="")),
            models.CheckConstraint(
                name="archive_hold_is_alive", condition=Q(on_hold=False) | Q(deleted_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.title or str(self.pk)
