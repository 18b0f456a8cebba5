"""Risks, blockers and decisions."""

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
from altlas.coordination.admin.forms import DecisionForm, ReasonForm, RiskChangeForm, RiskForm
from altlas.coordination.labels import label
from altlas.coordination.models import Decision, Risk, Severity
from altlas.coordination.services import risks
from altlas.coordination.statuses import RiskState
from altlas.kernel.rows import row_or_404

_SEVERITIES = {
    Severity.LOW: "info",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "danger",
    Severity.CRITICAL: "danger",
}
_STATES = {
    RiskState.OPEN: "danger",
    RiskState.MITIGATING: "warning",
    RiskState.ACCEPTED: "info",
    RiskState.RESOLVED: "success",
}


@admin.register(Risk)
class RiskAdmin(ReadOnlyAdmin):
    list_display = ("title", "kind", "shown_severity", "shown_state", "owner", "item", "shown_age", "by_rule")
    list_filter = ("state", "kind", "severity", "owner")
    search_fields = ("title", "detail", "rule")
    list_select_related = ("owner", "item")
    actions_list = ("to_open",)

    verbs: dict[str, tuple[Any, type[Any], Callable[..., Any]]] = {
        "change": (
            _("Change"),
            RiskChangeForm,
            lambda risk, actor, data: risks.risk_change(risk_id=risk.pk, actor=actor, **data),
        ),
        "resolve": (
            _("Resolve"),
            ReasonForm,
            lambda risk, actor, data: risks.risk_resolve(risk_id=risk.pk, actor=actor, resolution=data["reason"]),
        ),
        "decision": (
            _("Record a decision"),
            DecisionForm,
            lambda risk, actor, data: risks.decision_record(risk=risk, actor=actor, **data),
        ),
    }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("open", view(self.open_view), name="coordination_risk_open"),
            path("<int:risk_id>/do/<slug:verb>", view(self.verb_view), name="coordination_risk_verb"),
            *super().get_urls(),
        ]

    @display(description=_("severity"), ordering="severity", label=_SEVERITIES)
    def shown_severity(self, risk: Risk) -> tuple[int, str]:
        return risk.severity, str(risk.get_severity_display())

    @display(description=_("state"), ordering="state", label=_STATES)
    def shown_state(self, risk: Risk) -> tuple[str, str]:
        return risk.state, label(risk.state)

    @display(description=_("age"), ordering="opened_at")
    def shown_age(self, risk: Risk) -> str:
        return _("%(days)d d") % {"days": risk.age.days}

    @display(description=_("by rule"), boolean=True)
    def by_rule(self, risk: Risk) -> bool:
        return bool(risk.rule)

    @action(description=_("Open a risk or blocker"), url_path="open-risk", permissions=["verb"], icon="add")
    def to_open(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:coordination_risk_open"))

    def open_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_verb_permission(request):
            raise PermissionDenied
        form = RiskForm(request.POST or None, initial={"severity": Severity.MEDIUM})
        if request.method == "POST" and form.is_valid():
            wanted = {**form.cleaned_data, "row": form.cleaned_data["row"] or None}
            if self.attempt(request, lambda: risks.risk_open(actor=str(request.user), **wanted), _("Opened.")):
                return HttpResponseRedirect(reverse("admin:coordination_risk_changelist"))
        return self._form(request, form, _("Open a risk or blocker"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        risk = row_or_404(Risk.objects.select_related("owner", "item"), object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": str(risk),
            "opts": self.model._meta,
            "risk": risk,
            "decisions": risk.decisions.all(),
            "history": journal.of(f"risk {risk.pk}"),
            "verbs": [(name, title) for name, (title, _form, _verb) in self.verbs.items()]
            if self.has_verb_permission(request)
            else [],
        }
        return TemplateResponse(request, "admin/coordination/risk.html", context)

    def verb_view(self, request: HttpRequest, risk_id: int, verb: str) -> HttpResponse:
        if not self.has_verb_permission(request):
            raise PermissionDenied
        risk = Risk.objects.filter(pk=risk_id).first()
        if risk is None or verb not in self.verbs:
            raise Http404
        title, form_class, service = self.verbs[verb]
        form = form_class(
            request.POST or None, initial={"state": risk.state, "severity": risk.severity, "owner": risk.owner}
        )
        if request.method == "POST" and form.is_valid():
            actor = str(request.user)
            if self.attempt(request, lambda: service(risk, actor, form.cleaned_data), _("Done.")):
                return HttpResponseRedirect(reverse("admin:coordination_risk_change", args=[risk.pk]))
        return self._form(request, form, title)

    def _form(self, request: HttpRequest, form: Any, title: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.model._meta,
            "form": form,
            "submit": title,
        }
        return TemplateResponse(request, "admin/coordination/form.html", context)


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("at", "text", "reason", "actor", "item", "risk")
    search_fields = ("text", "reason")
    list_select_related = ("item", "risk")
