"""The memory watch's time series and its alerts."""

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


class AlertLevel(models.TextChoices):
    SOFT = "soft"
    HARD = "hard"


class MemoryAlert(models.Model):
    """A threshold crossed: raised once, ended when the value is well below again or the process is gone."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True, help_text="When operators were told by mail or webhook.")
    node = models.CharField(max_length=128)
    kind = models.CharField(max_length=16)
    name = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    level = models.CharField(max_length=8, choices=AlertLevel)
    value = models.PositiveBigIntegerField(help_text="Bytes held when it was raised.")
    limit = models.PositiveBigIntegerField(help_text="Bytes of the threshold.")
    action = models.CharField(max_length=16)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["node", "-id"], name="memory_alert_by_node")]
        constraints = [
            models.UniqueConstraint(
                fields=["node", "pid", "level"],
                condition=models.Q(ended_at__isnull=True),
                name="memory_alert_one_open_per_process_and_level",
            ),
            models.CheckConstraint(name="memory_alert_level_known", condition=models.Q(level__in=AlertLevel.values)),
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.name} on {self.node}"
