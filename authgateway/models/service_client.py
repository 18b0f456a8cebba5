from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7


class ServiceClient(models.Model):
    """A machine that asks for access tokens with a secret of its own (RFC 6749, section 4.4)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False, help_text="The `sid` of its access tokens.")
    name = models.CharField(max_length=100, unique=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="service_client",
        help_text="The account it acts as: owner of what it writes, without a password.",
    )
    secret_hash = models.BinaryField(max_length=32, help_text="SHA-256 of the secret.")
    scopes = ArrayField(models.CharField(max_length=32))
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True)
    last_address = models.GenericIPAddressField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
