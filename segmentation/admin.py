"""Console of segmentation: runs as they are, and the two verbs an operator has."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from altlas.kernel.errors import AltlasError
from segmentation import services
from segmentation.models import SegmentationItem, SegmentationRun


class _ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ItemInline(_ReadOnly, TabularInline):
    model = SegmentationItem
    fields = ("position", "status", "language", "size", "found", "record_id", "error")
    readonly_fields = fields
    extra = 0
    ordering = ("position",)

    @admin.display(description=_("characters"))
    def size(self, item: SegmentationItem) -> int:
        return len(item.text)

    @admin.display(description=_("segments"))
    def found(self, item: SegmentationItem) -> int:
        return len(item.segments)


@admin.register(SegmentationRun)
class RunAdmin(_ReadOnly, ModelAdmin):
    list_display = ("id", "shown_status", "strategy", "owner", "progress", "attempt", "node", "created_at", "took")
    list_filter = ("status", "strategy", "batch", "archive", "created_at")
    list_select_related = ("owner",)
    search_fields = ("id", "request_id", "owner__username")
    ordering = ("-id",)
    list_per_page = 50
    show_full_result_count = False
    inlines = [ItemInline]
    actions = ["cancel", "retry"]

    @display(
        description=_("status"),
        ordering="status",
        label={
            "queued": "info",
            "running": "warning",
            "succeeded": "success",
            "failed": "danger",
            "cancelled": "danger",
        },
    )
    def shown_status(self, run: SegmentationRun) -> str:
        return run.status

    @admin.display(description=_("took"))
    def took(self, run: SegmentationRun) -> str:
        if run.started_at is None or run.finished_at is None:
            return "–"
        return f"{(run.finished_at - run.started_at).total_seconds():.2f} s"

    @admin.action(description=_("Cancel"), permissions=["operate"])
    def cancel(self, request: HttpRequest, runs: QuerySet[SegmentationRun]) -> None:
        self._each(request, runs, services.run_cancel, _("cancelled"))

    @admin.action(description=_("Try again"), permissions=["operate"])
    def retry(self, request: HttpRequest, runs: QuerySet[SegmentationRun]) -> None:
        self._each(request, runs, services.run_retry, _("queued again"))

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("segmentation.change_segmentationrun")

    def _each(self, request: HttpRequest, runs: QuerySet[SegmentationRun], verb: object, done: object) -> None:
        worked = 0
        for run_id in runs.values_list("pk", flat=True):
            try:
                verb(run_id=run_id)  # type: ignore[operator]  # either of two services with this keyword
                worked += 1
            except AltlasError as exc:
                self.message_user(request, f"{run_id}: {exc.detail}", messages.WARNING)
        if worked:
            self.message_user(request, f"{worked} {done}", messages.SUCCESS)
