from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from altlas.coordination.statuses import RolloutState, StepState
from altlas.kernel.clock import now


class Rollout(models.Model):
    """A plan: ordered steps, each behind a gate, each with its way back."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    state = models.CharField(
        _("state"), max_length=12, choices=[(s.value, s.value) for s in RolloutState], default=RolloutState.PLANNED
    )
    created_at = models.DateTimeField(_("created"), default=now, editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    watch_until = models.DateTimeField(_("watched until"), null=True, blank=True)

    class Meta:
        verbose_name = _("rollout")
        verbose_name_plural = _("rollouts")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="rollout_state_known", condition=Q(state__in=list(RolloutState)))]

    def __str__(self) -> str:
        return self.name


class RolloutStep(models.Model):
    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField(_("position"))
    title = models.CharField(_("title"), max_length=120)
    instruction = models.TextField(_("what is done"))
    rollback = models.TextField(_("way back"))
    gates = models.JSONField(_("gates"), default=list, help_text=_("Verifications that must be green to finish it."))
    state = models.CharField(
        _("state"), max_length=12, choices=[(s.value, s.value) for s in StepState], default=StepState.PENDING
    )
    actor = models.CharField(_("carried out by"), max_length=150, blank=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "position"], name="rolloutstep_position"),
            models.CheckConstraint(name="rolloutstep_state_known", condition=Q(state__in=list(StepState))),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.title}"
