from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models

from archive.conf import KIND_MAXIMUM


class RetentionRule(models.Model):
    """How long records of a kind are kept; without a rule, for ever. A record on hold outlives every rule."""

    kind = models.CharField(max_length=KIND_MAXIMUM, unique=True)
    days = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    enabled = models.BooleanField(default=False, help_text="Until it is, the rule only shows what it would delete.")

    class Meta:
        ordering = ["kind"]
        constraints = [models.CheckConstraint(name="archive_retention_days", condition=models.Q(days__gte=1))]

    def __str__(self) -> str:
        return f"{self.kind}: {self.days} days"
