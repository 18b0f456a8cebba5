"""The decision log and the load jobs."""

from __future__ import annotations

from functools import partial

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from orchestrator import services
from orchestrator.admin.read_only import ReadOnlyAdmin
from orchestrator.admin.verbs import told
from orchestrator.models import CacheEvent, EventKind, JobStatus, LoadJob


@admin.register(CacheEvent)
class CacheEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "shown_kind", "model", "version", "node", "reason", "actor")
    list_filter = ("kind", "node", "reason", "at")
    search_fields = ("model", "version", "reason", "=request_id")
    date_hierarchy = "at"
    show_full_result_count = False

    @display(
        description=_("kind"),
        ordering="kind",
        label={
            EventKind.READY: "success",
            EventKind.LOAD: "info",
            EventKind.EVICT: "warning",
            EventKind.REFUSE: "danger",
            EventKind.FAIL: "danger",
            EventKind.CRASH: "danger",
            EventKind.HANG: "danger",
            EventKind.SHED: "danger",
            EventKind.RECYCLE: "info",
        },
    )
    def shown_kind(self, event: CacheEvent) -> str:
        return event.kind


@admin.register(LoadJob)
class LoadJobAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "version", "node", "shown_status", "attempts", "requested_by", "finished_at")
    list_filter = ("status", "node")
    search_fields = ("version__model__name", "node")
    list_select_related = ("version__model",)
    actions = ("cancel_jobs",)

    @action(description=_("Cancel the selected loads"), permissions=["operate"])
    def cancel_jobs(self, request: HttpRequest, queryset: QuerySet[LoadJob]) -> None:
        who = str(request.user)
        if None not in [told(self, request, partial(services.job_cancel, job=job.pk, actor=who)) for job in queryset]:
            self.message_user(request, _("Cancelled; jobs that had ended stay as they are."))

    @display(
        description=_("status"),
        ordering="status",
        label={JobStatus.READY: "success", JobStatus.FAILED: "danger", JobStatus.LOADING: "info"},
    )
    def shown_status(self, job: LoadJob) -> str:
        return job.status
