from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7


class SecurityEvent(models.Model):
    """Something that an operator or the account's owner should be able to look up. Repetitions share one row."""

    class Severity(models.TextChoices):
        INFO = "info", "info"
        LOW = "low", "low"
        MEDIUM = "medium", "medium"
        HIGH = "high", "high"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=40)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="security_events"
    )
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    family_id = models.UUIDField(null=True)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=256, blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    detail = models.JSONField(default=dict)
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField(default=now)
    last_at = models.DateTimeField(default=now)
    alerted_at = models.DateTimeField(null=True, help_text="When mail and webhook were told; null: not (yet).")
    aggregate_key = models.CharField(max_length=64, blank=True, help_text="Same key, same row; empty: stands alone.")

    class Meta:
        ordering = ["-last_at"]
        indexes = [
            models.Index(fields=["-last_at"], name="securityevent_last"),
            models.Index(fields=["kind", "-last_at"], name="securityevent_kind_last"),
            models.Index(fields=["user", "-last_at"], name="securityevent_user_last"),
            models.Index(
                fields=["id"], condition=Q(severity="high", alerted_at__isnull=True), name="securityevent_unalerted"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["aggregate_key"], condition=~Q(aggregate_key=""), name="securityevent_aggregate_unique"
            ),
            models.CheckConstraint(
                condition=Q(severity__in=["info", "low", "medium", "high"]), name="securityevent_severity_known"
            ),
        ]

    def __str__(self) -> str:
        return self.kind
