"""Rollouts: steps, gates, state; started, paused, finished step by step, rolled back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from altlas.coordination import journal
from altlas.coordination.admin.base import ReadOnlyAdmin
from altlas.coordination.admin.forms import NameForm, NoteForm, ReasonForm
from altlas.coordination.labels import label
from altlas.coordination.models import Rollout
from altlas.coordination.selectors import latest_runs
from altlas.coordination.services import rollouts
from altlas.coordination.statuses import RolloutState, StepState
from altlas.kernel.rows import row_or_404
from altlas.kernel.verification import Load

_STATES = {
    RolloutState.PLANNED: "info",
    RolloutState.RUNNING: "info",
    RolloutState.PAUSED: "warning",
    RolloutState.WATCHING: "info",
    RolloutState.DONE: "success",
    RolloutState.ROLLED_BACK: "danger",
}
Service = Callable[..., Any]
_VERBS: dict[str, tuple[Any, type[Any], Service]] = {
    "start": (
        _("Start"),
        NoteForm,
        lambda pk, actor, data: rollouts.rollout_move(rollout_id=pk, state=RolloutState.RUNNING, actor=actor),
    ),
    "pause": (
        _("Pause"),
        NoteForm,
        lambda pk, actor, data: rollouts.rollout_move(rollout_id=pk, state=RolloutState.PAUSED, actor=actor),
    ),
    "step-start": (
        _("Begin the next step"),
        NoteForm,
        lambda pk, actor, data: rollouts.step_start(rollout_id=pk, actor=actor),
    ),
    "verify": (
        _("Verify the step's gates"),
        NoteForm,
        lambda pk, actor, data: rollouts.gates_verify(rollout_id=pk, load=Load.LOW),
    ),
    "step-finish": (
        _("Finish the step"),
        NoteForm,
        lambda pk, actor, data: rollouts.step_finish(rollout_id=pk, actor=actor, **data),
    ),
    "roll-back": (
        _("Roll back"),
        ReasonForm,
        lambda pk, actor, data: rollouts.rollout_roll_back(rollout_id=pk, actor=actor, **data),
    ),
    "step-roll-back": (
        _("The newest step is taken back"),
        NoteForm,
        lambda pk, actor, data: rollouts.step_roll_back(rollout_id=pk, actor=actor, **data),
    ),
}


def offered(rollout: Rollout) -> list[str]:
    """Return the verbs that the rollout's state allows."""
    under_way = rollout.steps.filter(state=StepState.RUNNING).exists()
    taken = rollout.steps.filter(state__in=[StepState.RUNNING, StepState.DONE]).exists()
    return {
        RolloutState.PLANNED: ["start"],
        RolloutState.RUNNING: [*(["verify", "step-finish"] if under_way else ["step-start"]), "pause", "roll-back"],
        RolloutState.PAUSED: ["start", "roll-back"],
        RolloutState.WATCHING: ["roll-back"],
        RolloutState.DONE: ["roll-back"],
        RolloutState.ROLLED_BACK: ["step-roll-back"] if taken else [],
    }[RolloutState(rollout.state)]


@admin.register(Rollout)
class RolloutAdmin(ReadOnlyAdmin):
    list_display = ("name", "shown_state", "created_at", "started_at", "finished_at", "watch_until")
    actions_list = ("to_create",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("create", view(self.create_view), name="coordination_rollout_create"),
            path("<int:rollout_id>/do/<slug:verb>", view(self.verb_view), name="coordination_rollout_verb"),
            *super().get_urls(),
        ]

    @display(description=_("state"), ordering="state", label=_STATES)
    def shown_state(self, rollout: Rollout) -> tuple[str, str]:
        return rollout.state, label(rollout.state)

    @action(description=_("Plan a rollout"), url_path="plan-rollout", permissions=["verb"], icon="add")
    def to_create(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:coordination_rollout_create"))

    def create_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_verb_permission(request):
            raise PermissionDenied
        form = NameForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            name = form.cleaned_data["name"]
            if self.attempt(
                request, lambda: rollouts.rollout_create(name=name, actor=str(request.user)), _("Planned.")
            ):
                return HttpResponseRedirect(reverse("admin:coordination_rollout_changelist"))
        return self._form(request, form, _("Plan a rollout"), "")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        rollout = row_or_404(Rollout.objects.all(), object_id)
        runs = latest_runs()
        steps = [
            {
                "step": step,
                "gates": [
                    {"name": name, "run": runs.get(name), "closed": name in rollouts.gates_closed(step)}
                    for name in step.gates
                ],
            }
            for step in rollout.steps.all()
        ]
        context = {
            **self.admin_site.each_context(request),
            "title": str(rollout),
            "opts": self.model._meta,
            "rollout": rollout,
            "steps": steps,
            "history": journal.of(f"rollout {rollout.pk}"),
            "verbs": [(name, _VERBS[name][0]) for name in offered(rollout)]
            if self.has_verb_permission(request)
            else [],
        }
        return TemplateResponse(request, "admin/coordination/rollout.html", context)

    def verb_view(self, request: HttpRequest, rollout_id: int, verb: str) -> HttpResponse:
        if not self.has_verb_permission(request):
            raise PermissionDenied
        rollout = Rollout.objects.filter(pk=rollout_id).first()
        if rollout is None or verb not in _VERBS:
            raise Http404
        title, form_class, service = _VERBS[verb]
        form = form_class(request.POST or None)
        if request.method == "POST" and form.is_valid():
            actor = str(request.user)
            if self.attempt(request, lambda: service(rollout.pk, actor, form.cleaned_data), _("Done.")):
                return HttpResponseRedirect(reverse("admin:coordination_rollout_change", args=[rollout.pk]))
        # What is to be done or undone is read before it is confirmed.
        step = rollout.steps.filter(state=StepState.RUNNING).first()
        if verb == "step-start":
            step = rollout.steps.filter(state=StepState.PENDING).order_by("position").first()
        if verb == "step-roll-back":
            taken = rollout.steps.filter(state__in=[StepState.RUNNING, StepState.DONE])
            step = taken.order_by("-position").first()
        told = "" if step is None else f"{step}: {step.rollback if verb == 'step-roll-back' else step.instruction}"
        return self._form(request, form, title, told)

    def _form(self, request: HttpRequest, form: Any, title: Any, told: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.model._meta,
            "form": form,
            "told": told,
            "submit": title,
        }
        return TemplateResponse(request, "admin/coordination/form.html", context)
