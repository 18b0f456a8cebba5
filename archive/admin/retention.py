from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from archive import retention
from archive.models import RetentionRule


@admin.register(RetentionRule)
class RetentionRuleAdmin(ModelAdmin):
    """Rules are operators' to write; what they do is shown before it is done."""

    list_display = ("kind", "days", "enabled")
    ordering = ("kind",)
    actions = ("dry_run",)

    @admin.action(description=_("Show what these rules would delete"), permissions=["view"])
    def dry_run(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for rule in queryset:
            for verdict in retention.dry_run(kind=rule.kind):
                text = _("%(kind)s: %(records)s records would be deleted; %(held)s are on hold and stay.")
                self.message_user(
                    request,
                    text % {"kind": verdict.kind, "records": f"{verdict.records:,}", "held": f"{verdict.held:,}"},
                    messages.INFO,
                )
