from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7


class Family(models.Model):
    """One session: the refresh tokens that descend from one login. Its id is the `sid` of its access tokens."""

    class Reason(models.TextChoices):
        LOGOUT = "logout", "logged out"
        LOGOUT_ALL = "logout_all", "logged out everywhere"
        REVOKED = "revoked", "ended by its owner"
        REUSE = "reuse", "a used refresh token came back"
        DEVICE_MISMATCH = "device_mismatch", "came from another device"
        PASSWORD = "password", "password changed"  # a reason, not a password
        USER_STATE = "user_state", "account deactivated or changed"
        LIMIT = "limit", "too many sessions"
        OPERATOR = "operator", "ended by an operator"
        RISK = "risk", "suspicious activity"
        STEP_UP = "step_up", "logged in again"
        FACTOR = "factor", "second factor changed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="families")
    created_at = models.DateTimeField(default=now)
    auth_time = models.DateTimeField(help_text="When the password (and second factor) was last given.")
    amr = ArrayField(models.CharField(max_length=16), help_text="How (RFC 8176).")
    absolute_expires_at = models.DateTimeField(db_index=True)
    distrusted_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Since when it looks unlike the login that opened it: sensitive actions need a new one.",
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    device_name = models.CharField(max_length=120, blank=True)
    device_hash = models.BinaryField(
        null=True, help_text="SHA-256 of the device cookie; set when the family is bound to it."
    )
    jkt = models.CharField(max_length=43, blank=True, help_text="Thumbprint of the DPoP key the family is bound to.")
    user_agent = models.CharField(max_length=256, blank=True)
    address = models.GenericIPAddressField(null=True, help_text="Where it was opened.")

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="family_user_created"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(revoked_at__isnull=True, revoked_reason="")
                | (models.Q(revoked_at__isnull=False) & ~models.Q(revoked_reason="")),
                name="family_revoked_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
