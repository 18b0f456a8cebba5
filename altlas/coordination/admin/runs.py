"""Verification runs: started here, watched live, cancelled."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action, display

from altlas.coordination import plots
from altlas.coordination.admin.base import ReadOnlyAdmin
from altlas.coordination.admin.forms import VerifyForm
from altlas.coordination.labels import label
from altlas.coordination.models import Trigger, VerificationRun
from altlas.coordination.selectors import key_figures, run_data
from altlas.coordination.services import runs
from altlas.coordination.statuses import ENDED, RunStatus
from altlas.kernel.errors import AltlasError
from altlas.kernel.verification import Load

STATUS_LABELS = {
    RunStatus.PASSED: "success",
    RunStatus.FAILED: "danger",
    RunStatus.ERROR: "danger",
    RunStatus.RUNNING: "info",
    RunStatus.QUEUED: "info",
    RunStatus.INCONCLUSIVE: "warning",
    RunStatus.CANCELLED: "warning",
}


@admin.register(VerificationRun)
class VerificationRunAdmin(ReadOnlyAdmin):
    list_display = ("name", "load", "shown_status", "figures", "trigger", "sabotaged", "created_at", "took")
    list_filter = ("service", "status", "load", "trigger", "sabotaged")
    search_fields = ("name", "batch")
    ordering = ("-id",)
    actions = ("cancel",)
    actions_list = ("to_start",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("start", view(self.start_view), name="coordination_verificationrun_start"),
            path("batch/<uuid:batch>", view(self.batch_view), name="coordination_verificationrun_batch"),
            path("batch/<uuid:batch>/data", view(self.batch_data), name="coordination_verificationrun_data"),
            path("<uuid:run_id>/result", view(self.result_view), name="coordination_verificationrun_result"),
            path(
                "<uuid:run_id>/cancel",
                view(require_POST(self.cancel_view)),
                name="coordination_verificationrun_cancel",
            ),
            *super().get_urls(),
        ]

    @display(description=_("status"), ordering="status", label=STATUS_LABELS)
    def shown_status(self, run: VerificationRun) -> tuple[str, str]:
        return run.status, label(run.status)

    @display(description=_("figures"))
    def figures(self, run: VerificationRun) -> str:
        return key_figures(run)

    @display(description=_("took"))
    def took(self, run: VerificationRun) -> str:
        if run.started_at is None or run.finished_at is None:
            return "–"
        return f"{(run.finished_at - run.started_at).total_seconds():.1f} s"

    @action(description=_("Run verifications"), url_path="run-verifications", permissions=["verb"], icon="play_arrow")
    def to_start(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:coordination_verificationrun_start"))

    @admin.action(description=_("Cancel"), permissions=["verb"])
    def cancel(self, request: HttpRequest, found: QuerySet[VerificationRun]) -> None:
        for run_id in found.values_list("pk", flat=True):
            self.attempt(request, partial(runs.run_cancel, run_id=run_id, actor=str(request.user)), _("Cancelled."))

    def start_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_verb_permission(request):
            raise PermissionDenied
        form = VerifyForm(request.POST or None, initial={"load": Load.LOW, "what": request.GET.get("what", "")})
        if request.method == "POST" and form.is_valid():
            wanted = form.cleaned_data
            try:
                queued = runs.runs_queue(
                    wanted=runs.chosen(service=wanted["what"], full=wanted["full"], load=Load(wanted["load"])),
                    trigger=Trigger.ADMIN,
                    user=request.user,
                )
            except AltlasError as exc:
                form.add_error(None, exc.detail)
            else:
                return HttpResponseRedirect(reverse("admin:coordination_verificationrun_batch", args=[queued[0].batch]))
        context = {"title": _("Run verifications"), "form": form, "submit": _("Run")}
        return self._page(request, "admin/coordination/form.html", context)

    def batch_view(self, request: HttpRequest, batch: UUID) -> HttpResponse:
        found = self._batch(request, batch)
        context = {"title": _("Verification runs"), "runs": found, "batch": batch}
        return self._page(request, "admin/coordination/batch.html", context)

    def batch_data(self, request: HttpRequest, batch: UUID) -> JsonResponse:
        """Answer the state of a batch; the page asks every second."""
        return JsonResponse({"runs": [run_data(run) for run in self._batch(request, batch)]})

    def result_view(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """Answer the result as a fragment of the live page."""
        return TemplateResponse(request, "admin/coordination/result.html", result_context(self._run(request, run_id)))

    def cancel_view(self, request: HttpRequest, run_id: UUID) -> JsonResponse:
        if not self.has_verb_permission(request):
            raise PermissionDenied
        try:
            runs.run_cancel(run_id=run_id, actor=str(request.user))
        except AltlasError as exc:
            return JsonResponse({"detail": exc.detail}, status=exc.status)
        return JsonResponse({"detail": str(_("Cancelled."))})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        try:
            run = self._run(request, UUID(object_id))
        except ValueError:
            raise Http404 from None
        context = {"title": str(run), "runs": [run], "batch": run.batch, "single": True, **result_context(run)}
        return self._page(request, "admin/coordination/batch.html", context)

    def _batch(self, request: HttpRequest, batch: UUID) -> list[VerificationRun]:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = list(VerificationRun.objects.filter(batch=batch).order_by("id"))
        if not found:
            raise Http404
        return found

    def _run(self, request: HttpRequest, run_id: UUID) -> VerificationRun:
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = VerificationRun.objects.filter(pk=run_id).first()
        if run is None:
            raise Http404
        return run

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),
                "opts": self.model._meta,
                "may_verify": self.has_verb_permission(request),
                **context,
            },
        )


def result_context(run: VerificationRun) -> dict[str, Any]:
    return {
        "run": run,
        "over": run.status in ENDED,
        "judged": [{**threshold, "value": run.metrics.get(threshold["metric"])} for threshold in run.thresholds],
        "others": {
            name: value
            for name, value in run.metrics.items()
            if name not in {threshold["metric"] for threshold in run.thresholds}
        },
        "plot": plots.line_plot(run.series, title=run.name),
    }
