"""The catalogue: models with their versions and aliases; load, unload, pin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from altlas.kernel.errors import AltlasError
from orchestrator import services
from orchestrator.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from orchestrator.models import Alias, Model, ModelVersion, Task, VersionStatus

STATUS_LABELS = {
    VersionStatus.AVAILABLE: "success",
    VersionStatus.REGISTERED: "info",
    VersionStatus.FAILED: "danger",
    VersionStatus.RETIRED: "warning",
}


def megabytes(value: int | None) -> str:
    return "–" if value is None else f"{value / 2**20:,.1f} MB"


class VersionInline(ReadOnlyInline):
    model = ModelVersion
    fields = ("version", "status", "size", "measured", "loads", "load_seconds_last", "last_loaded_at")
    readonly_fields = fields
    ordering = ("-number",)

    @display(description=_("size"))
    def size(self, row: ModelVersion) -> str:
        return megabytes(row.size_bytes)

    @display(description=_("memory"))
    def measured(self, row: ModelVersion) -> str:
        return megabytes(row.measured_bytes)


class AliasInline(ReadOnlyInline):
    model = Alias
    fields = ("name", "version", "weight", "updated_at")
    readonly_fields = fields
    show_change_link = False


class RegistrationForm(forms.Form):
    name = forms.CharField(max_length=128, label=_("Name"), widget=UnfoldAdminTextInputWidget)
    task = forms.ChoiceField(choices=Task.choices, label=_("Task"), widget=UnfoldAdminSelectWidget)
    source = forms.CharField(
        max_length=512,
        label=_("Source"),
        help_text=_("package://name/folder, folder:///path or hf://org/model. Files stay where they are."),
        widget=UnfoldAdminTextInputWidget,
    )
    version = forms.CharField(max_length=64, label=_("Version"), widget=UnfoldAdminTextInputWidget)
    description = forms.CharField(required=False, label=_("Description"), widget=UnfoldAdminTextareaWidget)


@admin.register(Model)
class ModelCatalogueAdmin(ReadOnlyAdmin):
    list_display = ("name", "task", "pinned", "version_count", "version_policy", "owner", "updated_at")
    list_filter = ("task", "pinned", "version_policy")
    search_fields = ("name", "description")
    list_select_related = ("owner",)
    inlines = (VersionInline, AliasInline)
    actions = ("load", "unload", "pin", "unpin")
    actions_list = ("register_version",)
    actions_detail = ("load_one", "unload_one")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        return super().get_queryset(request).annotate(versions_total=Count("versions"))  # type: ignore[no-any-return]

    @display(description=_("versions"))
    def version_count(self, model: Model) -> int:
        return int(getattr(model, "versions_total", 0))

    @admin.action(description=_("Load"), permissions=["operate"])
    def load(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        for model in queryset:
            self._load(request, model.name)

    @admin.action(description=_("Unload from every node"), permissions=["operate"])
    def unload(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        for model in queryset:
            self._unload(request, model.name)

    @admin.action(description=_("Pin: never evict"), permissions=["operate"])
    def pin(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        for model in queryset:
            services.model_pin(name=model.name, pinned=True, actor=str(request.user))

    @admin.action(description=_("Unpin"), permissions=["operate"])
    def unpin(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        for model in queryset:
            services.model_pin(name=model.name, pinned=False, actor=str(request.user))

    @action(description=_("Load"), icon="memory", permissions=["operate"])
    def load_one(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        self._load(request, Model.objects.get(pk=object_id).name)
        return HttpResponseRedirect(reverse("admin:orchestrator_model_change", args=[object_id]))

    @action(description=_("Unload"), icon="eject", permissions=["operate"])
    def unload_one(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect:
        self._unload(request, Model.objects.get(pk=object_id).name)
        return HttpResponseRedirect(reverse("admin:orchestrator_model_change", args=[object_id]))

    @action(description=_("Register a version"), icon="add", permissions=["operate"], url_path="register")
    def register_version(self, request: HttpRequest) -> HttpResponseRedirect | TemplateResponse:
        form = RegistrationForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            row = self._told(
                request,
                lambda: services.model_register(**form.cleaned_data, owner=request.user),  # type: ignore[arg-type]  # staff
            )
            if row is not None:
                self.message_user(request, f"{row} is registered.", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:orchestrator_model_change", args=[row.model_id]))
        context = {
            **self.admin_site.each_context(request),
            "form": form,
            "title": _("Register a version"),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/orchestrator/register.html", context)

    def get_urls(self) -> list[URLPattern]:
        from orchestrator.admin import live

        return [
            path("live/order", self.admin_site.admin_view(live.order), name="orchestrator_node_order"),
            *super().get_urls(),
        ]

    def _load(self, request: HttpRequest, name: str) -> None:
        done = self._told(request, lambda: services.model_load(model=name, actor=str(request.user)))
        if done is not None:
            text = f"{done['model']}:{done['version']} is loaded on {done['node']} ({done['seconds']:.2f} s)."
            self.message_user(request, text, messages.SUCCESS)

    def _unload(self, request: HttpRequest, name: str) -> None:
        done = self._told(request, lambda: services.model_unload(model=name, actor=str(request.user)))
        if done is not None:
            self.message_user(request, f"{name}: {done['replicas']} processes were told to go.", messages.SUCCESS)

    def _told(self, request: HttpRequest, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except AltlasError as exc:
            self.message_user(request, exc.detail, messages.ERROR)
            return None


@admin.register(ModelVersion)
class ModelVersionAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "task",
        "shown_status",
        "size",
        "estimated",
        "measured",
        "loads",
        "mean",
        "last_loaded_at",
    )
    list_filter = ("status", "model__task")
    search_fields = ("model__name", "version", "source")
    list_select_related = ("model",)

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
