from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from altlas.coordination.statuses import ItemStatus
from altlas.kernel.clock import now


class Fault(models.TextChoices):
    """The four faults of the beta, and the one place that shows whether they are fixed."""

    SEGMENTATION = "SEG-042", _("Segmentation: memory leak")
    ARCHIVE = "ARC-037", _("Archive: timeouts")
    AUTHGATEWAY = "API-089", _("Gateway: token refresh")
    ORCHESTRATOR = "AI-023", _("Orchestrator: model conflicts")
    COORDINATION = "COORD", _("Coordination")


class Priority(models.IntegerChoices):
    LOW = 1, _("low")
    NORMAL = 2, _("normal")
    HIGH = 3, _("high")
    URGENT = 4, _("urgent")


_STATUSES = [(status.value, status.value) for status in ItemStatus]


class WorkItem(models.Model):
    """One requirement row. Its status is derived from evidence; an override needs a reason."""

    row = models.CharField(_("row"), max_length=8, primary_key=True)
    position = models.PositiveIntegerField(editable=False)
    fault = models.CharField(_("fault"), max_length=16, choices=Fault.choices)
    title = models.CharField(_("title"), max_length=200)
    proof = models.TextField(_("how it is proved"), blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("owner"),
    )
    due = models.DateField(_("due"), null=True, blank=True)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    override = models.CharField(_("override"), max_length=16, choices=_STATUSES, blank=True)
    override_reason = models.TextField(_("reason of the override"), blank=True)
    reopened_at = models.DateTimeField(_("reopened"), null=True, blank=True)

    class Meta:
        verbose_name = _("work item")
        verbose_name_plural = _("work items")
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                name="workitem_override_known", condition=Q(override="") | Q(override__in=list(ItemStatus))
            ),
            models.CheckConstraint(
                name="workitem_override_has_reason", condition=Q(override="") | ~Q(override_reason="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.fault}/{self.row}"


class Evidence(models.Model):
    """Evidence from outside of verification runs: a test report, a document, a person's judgement."""

    class Source(models.TextChoices):
        TESTS = "tests", _("tests")
        PERSON = "person", _("person")

    item = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="evidence")
    source = models.CharField(_("source"), max_length=8, choices=Source.choices)
    passed = models.BooleanField(_("passed"))
    figure = models.CharField(_("figure"), max_length=200, blank=True)
    command = models.CharField(_("command"), max_length=300, blank=True)
    note = models.TextField(_("note"), blank=True)
    actor = models.CharField(_("who"), max_length=150, blank=True)
    at = models.DateTimeField(_("at"), default=now)

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["item", "-at"], name="evidence_latest")]

    def __str__(self) -> str:
        return f"{self.item_id} {self.source}"


class Comment(models.Model):
    item = models.ForeignKey(WorkItem, on_delete=models.CASCADE, related_name="comments")
    author = models.CharField(_("author"), max_length=150)
    text = models.TextField(_("text"))
    at = models.DateTimeField(_("at"), default=now)

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return self.text[:60]
