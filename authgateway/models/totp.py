from __future__ import annotations

from django.conf import settings
from django.db import models

from altlas.kernel.clock import now


class TotpDevice(models.Model):
    """A user's authenticator app (RFC 6238). Counts only when confirmed by a code."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="totp")
    secret_sealed = models.BinaryField(help_text="AES-GCM under the key-encryption key `kek_id`.")
    kek_id = models.CharField(max_length=16)
    created_at = models.DateTimeField(default=now)
    confirmed_at = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0, help_text="Time step of the last code taken: none works twice.")

    class Meta:
        verbose_name = "second factor"
        verbose_name_plural = "second factors"

    def __str__(self) -> str:
        return str(self.user_id)


class RecoveryCode(models.Model):
    """A way in without the authenticator app, once. Only its hash is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    code_hash = models.BinaryField(max_length=32, help_text="SHA-256 of the code.")
    created_at = models.DateTimeField(default=now)
    used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "code_hash"], name="recoverycode_unique")]

    def __str__(self) -> str:
        return str(self.pk)
