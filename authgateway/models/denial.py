from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from altlas.kernel.clock import now


class Denial(models.Model):
    """An access token (`jti`) or all of a session's (`sid`) refused before they expire. The truth behind Redis."""

    class Kind(models.TextChoices):
        SID = "sid", "session"
        JTI = "jti", "single token"

    kind = models.CharField(max_length=3, choices=Kind.choices)
    value = models.CharField(max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="denials")
    reason = models.CharField(max_length=32)
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(db_index=True, help_text="When the last token it refuses has expired by itself.")

    class Meta:
        verbose_name = _("denylist entry")
        verbose_name_plural = _("denylist")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "value"], name="denial_unique"),
            models.CheckConstraint(condition=Q(kind__in=["sid", "jti"]), name="denial_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"
