from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from altlas.kernel.clock import now


class DailySummary(models.Model):
    """What the daily run of one day found. ``content`` is complete: nothing is looked up again to show it."""

    day = models.DateField(_("day"), unique=True)
    made_at = models.DateTimeField(_("made"), default=now)
    content = models.JSONField(default=dict)
    text = models.TextField(_("text"))
    mailed_to = models.PositiveIntegerField(_("mailed to"), default=0)

    class Meta:
        verbose_name = _("daily summary")
        verbose_name_plural = _("daily summaries")
        ordering = ["-day"]

    def __str__(self) -> str:
        return self.day.isoformat()


class Subscription(models.Model):
    """A member of staff who gets the daily summary by mail."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("member of staff")
    )
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default="en")
    created_at = models.DateTimeField(_("since"), default=now, editable=False)

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")

    def __str__(self) -> str:
        return str(self.user)
