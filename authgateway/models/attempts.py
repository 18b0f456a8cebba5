from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Attempts(models.Model):
    """Failed attempts under one key within a window: used while Redis is away."""

    key = models.CharField(primary_key=True, max_length=80)
    count = models.PositiveIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = _("attempts")

    def __str__(self) -> str:
        return self.key
