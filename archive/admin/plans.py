"""Slow statements and measured plans; a plan is shown as a tree."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from archive.admin import health
from archive.admin.read_only import ReadOnlyAdmin
from archive.models import QueryPlan, SlowQuery
from archive.slow import histogram, tree


def shown(plan: Any) -> str:
    return render_to_string("admin/archive/plan.html", {"rows": tree.rows(plan)}) if plan else "–"


@admin.register(SlowQuery)
class SlowQueryAdmin(ReadOnlyAdmin):
    list_display = ("last_seen", "route", "short", "count", "p95", "longest", "timeouts", "suggestion")
    list_display_links = ("last_seen", "short")
    list_filter = ("route",)
    search_fields = ("statement", "fingerprint")
    ordering = ("-last_seen",)
    fields = (
        "route", "fingerprint", "shown_statement", "parameter_types", "count", "p95", "longest", "mean", "timeouts",
        "first_seen", "last_seen", "suggestion", "planned_at", "shown_plan",
    )  # fmt: skip
    readonly_fields = fields
    actions_list = ("open_health",)

    def get_urls(self) -> list[URLPattern]:
        return [path("health", self.admin_site.admin_view(health.page), name="archive_health"), *super().get_urls()]

    @action(description=_("Health of the archive"), icon="monitor_heart", url_path="open-health")
    def open_health(self, request: HttpRequest) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:archive_health"))

    @display(description=_("statement"))
    def short(self, query: SlowQuery) -> str:
        return query.statement[:90]

    @display(description=_("statement"))
    def shown_statement(self, query: SlowQuery) -> str:
        return format_html("<code style='white-space:pre-wrap'>{}</code>", query.statement)

    @display(description=_("p95, ms (at most)"))
    def p95(self, query: SlowQuery) -> str:
        return f"{histogram.quantile(query.histogram, 0.95):,.0f}"

    @display(description=_("longest, ms"), ordering="max_ms")
    def longest(self, query: SlowQuery) -> str:
        return f"{query.max_ms:,.0f}"

    @display(description=_("mean, ms"))
    def mean(self, query: SlowQuery) -> str:
        return f"{query.total_ms / max(query.count, 1):,.0f}"

    @display(description=_("plan"))
    def shown_plan(self, query: SlowQuery) -> str:
        return shown(query.plan)


@admin.register(QueryPlan)
class QueryPlanAdmin(ReadOnlyAdmin):
    list_display = ("taken_at", "name", "shown_ms", "buffers", "rows")
    list_display_links = ("taken_at", "name")
    search_fields = ("name",)
    ordering = ("-taken_at", "name")
    fields = ("name", "taken_at", "shown_ms", "buffers", "rows", "shown_plan")
    readonly_fields = fields

    def get_queryset(self, request: Any) -> Any:
        found = super().get_queryset(request)
        is_list = request.resolver_match.url_name == "archive_queryplan_changelist"
        return found.defer("plan") if is_list else found

    @display(description=_("ms"), ordering="milliseconds")
    def shown_ms(self, plan: QueryPlan) -> str:
        return f"{plan.milliseconds:,.2f}"

    @display(description=_("plan"))
    def shown_plan(self, plan: QueryPlan) -> str:
        return shown(plan.plan)
