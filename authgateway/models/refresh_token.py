from __future__ import annotations

from django.db import models
from django.db.models import Q

from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7
from authgateway.models.family import Family


class RefreshToken(models.Model):
    """One link of a family's chain. Only its hash is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    family = models.ForeignKey(Family, on_delete=models.CASCADE, related_name="tokens")
    generation = models.PositiveIntegerField()
    token_hash = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of the token.")
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(help_text="Idle limit.")
    used_at = models.DateTimeField(null=True, help_text="When it was exchanged for its successor.")
    successor_nonce = models.BinaryField(
        null=True, help_text="With the token itself, derives the successor again inside the grace window; then wiped."
    )
    address = models.GenericIPAddressField(null=True, help_text="Where it was issued to.")

    class Meta:
        ordering = ["-generation"]
        constraints = [
            models.UniqueConstraint(fields=["family", "generation"], name="refreshtoken_generation_unique"),
            models.UniqueConstraint(fields=["family"], condition=Q(used_at__isnull=True), name="refreshtoken_one_leaf"),
        ]

    def __str__(self) -> str:
        return f"{self.family_id}#{self.generation}"
