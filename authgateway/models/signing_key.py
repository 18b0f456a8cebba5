from __future__ import annotations

from django.db import models
from django.db.models import Q

from altlas.kernel.clock import now


class SigningKey(models.Model):
    """An RSA key pair. The private half is encrypted, and erased when the key no longer signs."""

    class State(models.TextChoices):
        PENDING = "pending", "pending: published, signs next"
        ACTIVE = "active", "active: signs"
        RETIRING = "retiring", "retiring: verifies what it has signed"
        RETIRED = "retired", "retired: refused"
        COMPROMISED = "compromised", "compromised: refused"

    kid = models.CharField(primary_key=True, max_length=43, help_text="RFC 7638 thumbprint.")
    state = models.CharField(max_length=12, choices=State.choices)
    public_pem = models.TextField()
    private_sealed = models.BinaryField(null=True, help_text="AES-GCM under the key-encryption key `kek_id`.")
    kek_id = models.CharField(max_length=16, blank=True)
    bits = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=now)
    activated_at = models.DateTimeField(null=True)
    retiring_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    TRANSITIONS = {
        State.PENDING: {State.ACTIVE, State.COMPROMISED},
        State.ACTIVE: {State.RETIRING, State.COMPROMISED},
        State.RETIRING: {State.RETIRED, State.COMPROMISED},
        State.RETIRED: {State.COMPROMISED},
        State.COMPROMISED: set(),
    }

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state="active"), name="signingkey_one_active"),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "active"]) | Q(private_sealed__isnull=True),
                name="signingkey_private_erased",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "active", "retiring", "retired", "compromised"]),
                name="signingkey_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.kid
