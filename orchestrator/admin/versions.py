"""Versions of models: what is known of each, compiled variants, promotion and retirement."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from orchestrator import selectors, services
from orchestrator.admin.forms import RuntimeForm
from orchestrator.admin.read_only import ReadOnlyAdmin
from orchestrator.admin.shown import STATUS_LABELS, megabytes
from orchestrator.admin.verbs import confirm_page, form_page
from orchestrator.models import ModelVersion, Runtime


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "task",
        "shown_status",
        "runtime",
        "size",
        "estimated",
        "measured",
        "loads",
        "mean",
        "last_loaded_at",
    )
    list_filter = ("status", "runtime", "model__task")
    search_fields = ("model__name", "version", "source")
    list_select_related = ("model",)
    # Two in a row at most: more of them run into each other.
    fields = (
        ("model", "version"),
        ("shown_status", "status_reason"),
        ("source", "options"),
        ("size", "estimated"),
        ("measured", "load_times"),
        ("loads", "last_loaded_at"),
        ("runtime", "shown_variants"),
        "facts",
        "manifest",
    )
    readonly_fields = ("shown_status", "size", "estimated", "measured", "load_times", "shown_variants")
    actions_detail = ("promote", "choose_runtime", "export_onnx", "export_int8", "retire")

    @action(description=_("Promote: take the traffic"), icon="upgrade", permissions=["operate"])
    def promote(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect | TemplateResponse:
        row = self.row_of(request, object_id)
        return confirm_page(
            self,
            request,
            title=_("Have %(version)s take the traffic that names no version?") % {"version": row},
            work=lambda: services.version_promote(model=row.model.name, version=row.version, actor=str(request.user)),
            done=lambda found: _("%(version)s takes the traffic that names no version.") % {"version": found},
            back=self._address(object_id),
            button=_("Promote"),
        )

    @action(description=_("Choose the runtime"), icon="speed", permissions=["operate"])
    def choose_runtime(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect | TemplateResponse:
        row = self.row_of(request, object_id)
        return form_page(
            self,
            request,
            title=_("What computes %(version)s") % {"version": row},
            form=RuntimeForm(request.POST or None, initial={"runtime": row.runtime}),
            work=lambda data: services.runtime_set(
                model=row.model.name, version=row.version, runtime=data["runtime"], actor=str(request.user)
            ),
            done=lambda found: _("%(version)s runs on %(runtime)s.") % {"version": found, "runtime": found.runtime},
            back=self._address(object_id),
            button=_("Switch"),
            rows=selectors.variant_rows(row),
        )

    @action(description=_("Compile for ONNX Runtime"), icon="build", permissions=["operate"])
    def export_onnx(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect | TemplateResponse:
        return self._export(request, object_id, Runtime.ONNX)

    @action(description=_("Compile as int8"), icon="compress", permissions=["operate"])
    def export_int8(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect | TemplateResponse:
        return self._export(request, object_id, Runtime.ONNX_INT8)

    @action(description=_("Retire"), icon="archive", permissions=["operate"])
    def retire(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect | TemplateResponse:
        row = self.row_of(request, object_id)
        return confirm_page(
            self,
            request,
            title=_("Put %(version)s away? It is unloaded and not offered any more.") % {"version": row},
            work=lambda: services.version_retire(model=row.model.name, version=row.version, actor=str(request.user)),
            done=lambda found: _("%(version)s is retired.") % {"version": found},
            back=self._address(object_id),
            button=_("Retire"),
        )

    @display(description=_("task"))
    def task(self, row: ModelVersion) -> str:
        return row.model.task

    @display(description=_("status"), ordering="status", label=STATUS_LABELS)
    def shown_status(self, row: ModelVersion) -> str:
        return row.status

    @display(description=_("size"), ordering="size_bytes")
    def size(self, row: ModelVersion) -> str:
        return megabytes(row.size_bytes)

    @display(description=_("estimated"), ordering="estimated_bytes")
    def estimated(self, row: ModelVersion) -> str:
        return megabytes(row.estimated_bytes)

    @display(description=_("measured"), ordering="measured_bytes")
    def measured(self, row: ModelVersion) -> str:
        return megabytes(row.measured_bytes)

    @display(description=_("mean load, s"))
    def mean(self, row: ModelVersion) -> str:
        return "–" if row.load_seconds_mean is None else f"{row.load_seconds_mean:.2f}"

    @display(description=_("load time, s"))
    def load_times(self, row: ModelVersion) -> str:
        if row.load_seconds_last is None or row.load_seconds_mean is None or row.load_seconds_max is None:
            return "–"
        return _("%(last).2f last, %(mean).2f on average, %(longest).2f at most") % {
            "last": row.load_seconds_last,
            "mean": row.load_seconds_mean,
            "longest": row.load_seconds_max,
        }

    @display(description=_("compiled variants"))
    def shown_variants(self, row: ModelVersion) -> str:
        found = selectors.variant_rows(row)
        if not found:
            return "–"
        lines = format_html_join("", "<li>{}</li>", ((_variant(each),) for each in found))
        return format_html("<ul>{}</ul>", lines)

    def _export(
        self, request: HttpRequest, object_id: str, runtime: Runtime
    ) -> HttpResponseRedirect | TemplateResponse:
        row = self.row_of(request, object_id)
        return confirm_page(
            self,
            request,
            title=_("Compile %(version)s as %(runtime)s on every node? It takes tens of seconds of a core on each.")
            % {"version": row, "runtime": runtime.value},
            work=lambda: services.variant_request(
                model=row.model.name, version=row.version, runtime=runtime, actor=str(request.user)
            ),
            done=lambda nodes: (
                _("%(version)s is being compiled on %(nodes)s; its figures appear here in a minute.")
                % {"version": row, "nodes": ", ".join(nodes)}
            ),
            back=self._address(object_id),
            button=_("Compile"),
        )

    def _address(self, object_id: str) -> str:
        return reverse("admin:orchestrator_modelversion_change", args=[object_id])


def _variant(found: dict[str, Any]) -> str:
    verdict = _("in use") if found["chosen"] else _("accepted") if found["accepted"] else _("refused")
    text = _(
        "%(runtime)s on %(node)s: %(verdict)s, cosine %(least)s (mean %(mean)s), %(variant)s ms against %(torch)s ms"
    )
    return text % {
        "runtime": found["runtime"],
        "node": found["node"],
        "verdict": verdict,
        "least": f"{found['cosine_min']:.6f}",
        "mean": f"{found['cosine_mean']:.6f}",
        "variant": f"{found['variant_ms']:.1f}",
        "torch": f"{found['torch_ms']:.1f}",
    }
