from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from authgateway.admin.read_only import ReadOnlyAdmin
from authgateway.models import SecurityEvent


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    list_display = ("last_at", "kind", "shown_severity", "user", "actor", "address", "count", "request_id")
    list_filter = ("severity", "kind", "last_at")
    search_fields = ("user__username", "=address", "=family_id", "=request_id")
    list_select_related = ("user", "actor")
    date_hierarchy = "last_at"
    exclude = ("aggregate_key",)

    @display(
        description=_("severity"),
        ordering="severity",
        label={"info": "info", "low": "info", "medium": "warning", "high": "danger"},
    )
    def shown_severity(self, event: SecurityEvent) -> str:
        return event.severity
