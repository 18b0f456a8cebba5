"""Background jobs: the ledger with its two verbs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from altlas.kernel.clock import now
from altlas.kernel.errors import AltlasError
from altlas.kernel.ledger import operating
from altlas.kernel.models import TaskRecord
from authgateway.admin.read_only import ReadOnlyAdmin

_LABELS = {
    "sent": "info",
    "started": "info",
    "retry": "warning",
    "succeeded": "success",
    "failed": "danger",
    "revoked": "warning",
}


@admin.register(TaskRecord)
class TaskRecordAdmin(ReadOnlyAdmin):
    list_display = ("name", "shown_state", "queue", "node", "age", "took", "retries", "deliveries", "error")
    list_filter = ("state", "name", "queue", "sent_at")
    search_fields = ("=id", "name", "request_id", "node")
    ordering = ("-sent_at",)
    list_per_page = 50
    show_full_result_count = False
    actions = ("revoke", "retry")
    list_before_template = "admin/console/job_counts.html"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        names = dict(TaskRecord.State.choices)
        states = [{"state": state, "name": names[state], "count": n} for state, n in operating.counts().items()]
        return super().changelist_view(request, {**(extra_context or {}), "job_states": states})

    @display(description=_("state"), ordering="state", label=_LABELS)
    def shown_state(self, row: TaskRecord) -> Any:
        return row.state, row.get_state_display()

    @display(description=_("age"), ordering="-sent_at")
    def age(self, row: TaskRecord) -> str:
        return span((now() - row.sent_at).total_seconds())

    @display(description=_("took"))
    def took(self, row: TaskRecord) -> str:
        if row.started_at is None or row.finished_at is None:
            return "–"
        return span((row.finished_at - row.started_at).total_seconds())

    @admin.action(description=_("Revoke: never begin"), permissions=["verb"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[TaskRecord]) -> None:
        self._each(request, queryset, operating.task_revoke)

    @admin.action(description=_("Send again"), permissions=["verb"])
    def retry(self, request: HttpRequest, queryset: QuerySet[TaskRecord]) -> None:
        self._each(request, queryset, operating.task_retry)

    def _each(self, request: HttpRequest, queryset: QuerySet[TaskRecord], verb: Callable[..., None]) -> None:
        done = 0
        for task_id in queryset.values_list("pk", flat=True):
            try:
                verb(task_id=task_id, actor=request.user.get_username())
                done += 1
            except AltlasError as exc:
                self.message_user(request, f"{task_id}: {exc.detail}", messages.WARNING)
        if done:
            self.message_user(request, _("Done for %(count)d jobs.") % {"count": done}, messages.SUCCESS)


def span(seconds: float) -> str:
    """Return a duration for a person: ``0.42 s``, ``12 min``, ``3 h``, ``2 d``."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    for size, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
