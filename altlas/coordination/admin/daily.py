"""Daily summaries, and who gets them by mail."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action

from altlas.coordination import plots
from altlas.coordination.admin.base import ReadOnlyAdmin
from altlas.coordination.labels import label
from altlas.coordination.models import DailySummary, Subscription
from altlas.coordination.services import daily
from altlas.kernel.rows import row_or_404


@admin.register(DailySummary)
class DailySummaryAdmin(ReadOnlyAdmin):
    list_display = ("day", "made_at", "mailed_to")
    date_hierarchy = "day"
    actions_list = ("make_now",)

    @action(
        description=_("Make today's summary now"),
        url_path="make-now",
        permissions=["verb"],
        icon="today",
        dialog={
            "title": _("Make today's summary now?"),
            "description": _("One that was made today is made anew."),
            "form_submit_text": _("Make it"),
        },
    )
    def make_now(self, request: HttpRequest, form: Any) -> HttpResponse:
        made = daily.daily_run()
        self.message_user(request, _("The summary of %(day)s is made.") % {"day": made.day})
        return HttpResponseRedirect(reverse("admin:coordination_dailysummary_change", args=[made.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = row_or_404(DailySummary.objects.all(), object_id)
        content = found.content
        context = {
            **self.admin_site.each_context(request),
            "title": _("Daily summary of %(day)s") % {"day": found.day},
            "opts": self.model._meta,
            "summary": found,
            "content": content,
            "faults": [
                {**fault, "shown": [(label(name), count) for name, count in fault["counts"].items() if count]}
                for fault in content["faults"]
            ],
            "changed": [
                {**change, "before": label(change["before"]), "after": label(change["after"])}
                for change in content["changed"]
            ],
            "figures": [
                {**figure, "spark": plots.sparkline(figure["points"], label=figure["key"])}
                for figure in content["figures"]
            ],
        }
        return TemplateResponse(request, "admin/coordination/daily.html", context)


@admin.register(Subscription)
class SubscriptionAdmin(ModelAdmin):
    """Plain rows: whoever may change them subscribes members of staff."""

    list_display = ("user", "language", "created_at")
    list_select_related = ("user",)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            staff: QuerySet[Any] = db_field.remote_field.model.objects.filter(is_staff=True)
            kwargs["queryset"] = staff
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
