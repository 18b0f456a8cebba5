from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class SlowQuery(models.Model):
    """What is known of one slow statement as one route sends it; never a value that a user sent."""

    fingerprint = models.CharField(max_length=32)
    route = models.CharField(max_length=64)
    statement = models.TextField()
    parameter_types = ArrayField(models.CharField(max_length=32), default=list)
    count = models.BigIntegerField(default=0)
    timeouts = models.BigIntegerField(default=0)
    total_ms = models.FloatField(default=0)
    max_ms = models.FloatField(default=0)
    # How many took up to 1, 2, 4, … ms.
    histogram = ArrayField(models.BigIntegerField(), default=list)
    plan = models.JSONField(null=True)
    planned_at = models.DateTimeField(null=True)
    suggestion = models.TextField(blank=True)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        verbose_name_plural = _("slow queries")
        ordering = ["-last_seen"]
        constraints = [models.UniqueConstraint(fields=["fingerprint", "route"], name="archive_slow_query")]
        indexes = [models.Index(fields=["-last_seen"], name="archive_slow_seen")]

    def __str__(self) -> str:
        return f"{self.route}: {self.statement[:80]}"


class QueryPlan(models.Model):
    """A plan with times and buffers of one of the archive's own queries, as it was when it was taken."""

    name = models.CharField(max_length=64)
    taken_at = models.DateTimeField()
    milliseconds = models.FloatField()
    buffers = models.BigIntegerField()
    rows = models.BigIntegerField()
    plan = models.JSONField()

    class Meta:
        ordering = ["-taken_at", "name"]
        indexes = [models.Index(fields=["name", "-taken_at"], name="archive_plan_taken")]

    def __str__(self) -> str:
        return f"{self.name} at {self.taken_at:%Y-%m-%d %H:%M:%S}"
