from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from authgateway.admin.read_only import ReadOnlyAdmin
from authgateway.models import SecurityEvent


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    list_display = ("last_at", "kind", "shown_severity", "user", "actor", "address", "count", "request_id")
    list_filter = ("severity", "kind", "last_at")
    # Of one user, this list is the timeline that the user's page links to.
    search_fields = ("user__username", "=address", "=family_id", "=request_id")
    list_select_related = ("user", "actor")
    ordering = ("-last_at",)
    date_hierarchy = "last_at"
    exclude = ("aggregate_key",)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup == "user__id__exact" or super().lookup_allowed(lookup, value, request)

    @display(
        description=_("severity"),
        ordering="severity",
        label={"info": "info", "low": "info", "medium": "warning", "high": "danger"},
    )
    def shown_severity(self, event: SecurityEvent) -> str:
        return event.severity
