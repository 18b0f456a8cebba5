from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from altlas.kernel.clock import now


class JournalEntry(models.Model):
    """History: who did what to which item, risk, rollout or run. Appended, never changed."""

    at = models.DateTimeField(_("at"), default=now, editable=False)
    subject = models.CharField(_("subject"), max_length=80, help_text=_("For example `item 1.2.3` or `risk 7`."))
    action = models.CharField(_("action"), max_length=32)
    actor = models.CharField(_("who"), max_length=150, blank=True, help_text=_("Empty: the machine."))
    detail = models.JSONField(_("detail"), default=dict)

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal")
        ordering = ["-id"]
        indexes = [models.Index(fields=["subject", "-id"], name="journal_subject")]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


class Decision(models.Model):
    """What was decided, why and by whom."""

    at = models.DateTimeField(_("at"), default=now, editable=False)
    text = models.TextField(_("decision"))
    reason = models.TextField(_("reason"))
    actor = models.CharField(_("who"), max_length=150)
    risk = models.ForeignKey(
        "coordination.Risk", null=True, blank=True, on_delete=models.SET_NULL, related_name="decisions"
    )
    item = models.ForeignKey(
        "coordination.WorkItem", null=True, blank=True, on_delete=models.SET_NULL, related_name="decisions"
    )

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.text[:80]
