"""The memory watch's time series."""

from __future__ import annotations

from django.db import models


class MemorySample(models.Model):
    """What one process held at one moment; bounded by age and by number."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    node = models.CharField(max_length=128)
    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    anon = models.PositiveBigIntegerField()
    file = models.PositiveBigIntegerField()
    uss = models.PositiveBigIntegerField()
    pss = models.PositiveBigIntegerField()
    threads = models.PositiveIntegerField()
    descriptors = models.PositiveIntegerField()
    told = models.JSONField(default=dict, help_text="What the process says of itself: heap, tensors, shapes.")

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["node", "name", "-at"], name="memory_sample_by_process")]

    def __str__(self) -> str:
        return f"{self.name} on {self.node}"
