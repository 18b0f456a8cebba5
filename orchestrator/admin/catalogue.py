"""The catalogue: models with their versions and aliases; load, unload, pin."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from orchestrator import services
from orchestrator.admin.forms import AliasForm, PolicyForm, RegistrationForm
from orchestrator.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from orchestrator.admin.shown import megabytes
from orchestrator.admin.verbs import confirm_page, form_page, told
from orchestrator.models import Alias, Model, ModelVersion


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


@admin.register(Model)
class ModelCatalogueAdmin(ReadOnlyAdmin):
    list_display = ("name", "task", "pinned", "version_count", "version_policy", "owner", "updated_at")
    list_filter = ("task", "pinned", "version_policy")
    search_fields = ("name", "description")
    list_select_related = ("owner",)
    inlines = (VersionInline, AliasInline)
    actions = ("load", "unload", "pin", "unpin")
    actions_list = ("register_version",)
    actions_detail = ("load_one", "unload_one", "set_alias", "set_policy")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        return super().get_queryset(request).annotate(versions_total=Count("versions"))  # type: ignore[no-any-return]

    @display(description=_("versions"))
    def version_count(self, model: Model) -> int:
        return int(getattr(model, "versions_total", 0))

    @admin.action(description=_("Load"), permissions=["operate"])
    def load(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        for model in queryset:
            done = told(self, request, partial(self._load, request, model.name))
            if done is not None:
                self.message_user(request, _loaded(done), messages.SUCCESS)

    @admin.action(description=_("Unload from every node"), permissions=["operate"])
    def unload(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        for model in queryset:
            done = told(self, request, partial(self._unload, request, model.name))
            if done is not None:
                self.message_user(request, _unloaded(done), messages.SUCCESS)

    @admin.action(description=_("Pin: never evict"), permissions=["operate"])
    def pin(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        self._pin(request, queryset, pinned=True)

    @admin.action(description=_("Unpin"), permissions=["operate"])
    def unpin(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        self._pin(request, queryset, pinned=False)

    @action(description=_("Load"), icon="memory", permissions=["operate"])
    def load_one(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect | TemplateResponse:
        model = self.row_of(request, object_id)
        return confirm_page(
            self,
            request,
            title=_("Load %(model)s?") % {"model": model},
            work=lambda: self._load(request, model.name),
            done=_loaded,
            back=reverse("admin:orchestrator_model_change", args=[object_id]),
            button=_("Load a model"),
        )

    @action(description=_("Unload"), icon="eject", permissions=["operate"])
    def unload_one(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect | TemplateResponse:
        model = self.row_of(request, object_id)
        return confirm_page(
            self,
            request,
            title=_("Unload %(model)s from every node? Requests under way finish first.") % {"model": model},
            work=lambda: self._unload(request, model.name),
            done=_unloaded,
            back=reverse("admin:orchestrator_model_change", args=[object_id]),
            button=_("Unload"),
        )

    @action(description=_("Register a version"), icon="add", permissions=["operate"], url_path="register")
    def register_version(self, request: HttpRequest) -> HttpResponseRedirect | TemplateResponse:
        return form_page(
            self,
            request,
            title=_("Register a version"),
            form=RegistrationForm(request.POST or None),
            work=lambda data: services.model_register(**data, owner=request.user),
            done=lambda row: _("%(version)s is registered.") % {"version": row},
            back=reverse("admin:orchestrator_model_changelist"),
            button=_("Register"),
        )

    @action(description=_("Set an alias"), icon="label", permissions=["operate"])
    def set_alias(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect | TemplateResponse:
        model = self.row_of(request, object_id)
        return form_page(
            self,
            request,
            title=_("Set an alias of %(model)s") % {"model": model},
            form=AliasForm(request.POST or None, model=model),
            work=lambda data: services.alias_set(model=model.name, **data, actor=str(request.user)),
            done=lambda alias: (
                _("%(alias)s points at %(version)s with %(weight)s %%.")
                % {"alias": alias, "version": alias.version.version, "weight": alias.weight}
            ),
            back=reverse("admin:orchestrator_model_change", args=[object_id]),
            button=_("Set"),
            rows=[
                {
                    str(_("alias")): alias.name,
                    str(_("version")): alias.version.version,
                    str(_("weight")): f"{alias.weight} %",
                }
                for alias in model.aliases.select_related("version")
            ],
        )

    @action(description=_("Version policy"), icon="rule", permissions=["operate"])
    def set_policy(self, request: HttpRequest, object_id: str) -> HttpResponseRedirect | TemplateResponse:
        model = self.row_of(request, object_id)
        initial = {
            "version_policy": model.version_policy,
            "policy_count": model.policy_count,
            "policy_versions": ", ".join(model.policy_versions),
        }
        return form_page(
            self,
            request,
            title=_("Which versions of %(model)s are served") % {"model": model},
            form=PolicyForm(request.POST or None, initial=initial),
            work=lambda data: services.model_change(name=model.name, changes=data, actor=str(request.user)),
            done=lambda changed: f"{changed}: {changed.version_policy}.",
            back=reverse("admin:orchestrator_model_change", args=[object_id]),
            button=_("Change"),
        )

    def get_urls(self) -> list[URLPattern]:
        from orchestrator.admin import live

        return [
            path("live/order", self.admin_site.admin_view(live.order), name="orchestrator_node_order"),
            *super().get_urls(),
        ]

    def _load(self, request: HttpRequest, name: str) -> dict[str, Any]:
        return services.version_load(model=name, actor=str(request.user))

    def _unload(self, request: HttpRequest, name: str) -> dict[str, Any]:
        return services.model_unload(model=name, actor=str(request.user))

    def _pin(self, request: HttpRequest, queryset: QuerySet[Model], *, pinned: bool) -> None:
        for model in queryset:
            if told(self, request, partial(self._set_pinned, request, model.name, pinned=pinned)) is not None:
                text = _("%(model)s is pinned.") if pinned else _("%(model)s may be evicted again.")
                self.message_user(request, text % {"model": model}, messages.SUCCESS)

    def _set_pinned(self, request: HttpRequest, name: str, *, pinned: bool) -> str:
        services.model_pin(name=name, pinned=pinned, actor=str(request.user))
        return name


def _loaded(done: Mapping[str, Any]) -> str:
    return _("%(model)s:%(version)s is loaded on %(node)s (%(seconds)s s).") % {
        **done,
        "seconds": f"{done['seconds']:.2f}",
    }


def _unloaded(done: Mapping[str, Any]) -> str:
    count = done["replicas"]
    text = ngettext(
        "%(model)s: %(count)s process was told to go.", "%(model)s: %(count)s processes were told to go.", count
    )
    return text % {"model": done["model"], "count": count}
