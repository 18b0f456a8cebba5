"""The decision log of the model caches: appended, never changed."""

from __future__ import annotations

from django.db import models


class EventKind(models.TextChoices):
    LOAD = "load"
    READY = "ready"
    EVICT = "evict"
    UNLOAD = "unload"
    REFUSE = "refuse"
    FAIL = "fail"
    CRASH = "crash"
    HANG = "hang"
    RECYCLE = "recycle"
    GROW = "grow"
    SHRINK = "shrink"
    SHED = "shed"
    CANCEL = "cancel"
    CATALOGUE = "catalogue"
    OPERATE = "operate"


class CacheEvent(models.Model):
    """One decision: what was known (``inputs``), what was decided (``decision``) and why."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    node = models.CharField(max_length=128, blank=True, default="")
    kind = models.CharField(max_length=16, choices=EventKind)
    model = models.CharField(max_length=128, blank=True, default="")
    version = models.CharField(max_length=64, blank=True, default="")
    reason = models.CharField(max_length=255, blank=True, default="")
    inputs = models.JSONField(default=dict)
    decision = models.JSONField(default=dict)
    actor = models.CharField(max_length=150, blank=True, default="")
    request_id = models.CharField(max_length=128, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["model", "-id"], name="event_by_model"),
            models.Index(fields=["node", "-id"], name="event_by_node"),
            models.Index(fields=["kind", "-id"], name="event_by_kind"),
        ]
        constraints = [models.CheckConstraint(name="event_kind_known", condition=models.Q(kind__in=EventKind.values))]

    def __str__(self) -> str:
        return f"{self.kind} {self.model}:{self.version} on {self.node}"
