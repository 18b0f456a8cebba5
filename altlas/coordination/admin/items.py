"""Work items: the board, and the verbs on one item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from altlas.coordination import journal, report
from altlas.coordination.admin.base import ReadOnlyAdmin
from altlas.coordination.admin.forms import CommentForm, DecisionForm, EvidenceForm, OverrideForm, PlanForm
from altlas.coordination.labels import label
from altlas.coordination.models import JournalEntry, WorkItem
from altlas.coordination.selectors import ItemState, fault_summaries, item_state, item_states
from altlas.coordination.services import items, risks
from altlas.coordination.statuses import ItemStatus
from altlas.kernel.rows import row_or_404

LABELS = {
    ItemStatus.VERIFIED: "success",
    ItemStatus.FAILING: "danger",
    ItemStatus.STALE: "warning",
    ItemStatus.IN_PROGRESS: "info",
    ItemStatus.NOT_STARTED: "default",
}
# The order of the board's columns: what needs somebody first.
COLUMNS = (
    ItemStatus.FAILING,
    ItemStatus.STALE,
    ItemStatus.NOT_STARTED,
    ItemStatus.IN_PROGRESS,
    ItemStatus.VERIFIED,
)
Verb = Callable[..., Any]


@admin.register(WorkItem)
class WorkItemAdmin(ReadOnlyAdmin):
    list_display = ("row", "title", "fault", "shown_status", "owner", "due", "priority")
    list_filter = ("fault", "owner", "priority")
    search_fields = ("row", "title")
    list_select_related = ("owner",)
    actions_list = ("to_board", "to_report")

    # Form by name; each hands its cleaned data to one service.
    verbs: dict[str, tuple[Any, type[Any], Verb]] = {
        "plan": (_("Plan"), PlanForm, lambda row, actor, data: items.item_plan(row=row, actor=actor, **data)),
        "comment": (
            _("Comment"),
            CommentForm,
            lambda row, actor, data: items.item_comment(row=row, actor=actor, **data),
        ),
        "override": (
            _("Override"),
            OverrideForm,
            lambda row, actor, data: items.item_override(row=row, actor=actor, **data),
        ),
        "evidence": (
            _("Record a judgement"),
            EvidenceForm,
            lambda row, actor, data: items.evidence_record(row=row, actor=actor, **data),
        ),
        "decision": (
            _("Record a decision"),
            DecisionForm,
            lambda row, actor, data: risks.decision_record(item=WorkItem.objects.get(pk=row), actor=actor, **data),
        ),
    }

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("board", view(self.board_view), name="coordination_workitem_board"),
            path("report", view(self.report_view), name="coordination_workitem_report"),
            path("<str:row>/<slug:verb>", view(self.verb_view), name="coordination_workitem_verb"),
            *super().get_urls(),
        ]

    @action(description=_("Board"), url_path="to-board", icon="view_kanban")
    def to_board(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:coordination_workitem_board"))

    @action(description=_("Final report"), url_path="to-report", icon="summarize")
    def to_report(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:coordination_workitem_report"))

    def report_view(self, request: HttpRequest) -> HttpResponse:
        """Answer the final report of this moment; the browser's print makes a PDF of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponse(report.as_html(report.collect()))

    @display(description=_("status"), label=LABELS)
    def shown_status(self, item: WorkItem) -> tuple[str, str]:
        state = self._states[item.pk].status
        return state.value, label(state)

    def get_queryset(self, request: HttpRequest) -> Any:
        # Derived for all rows at once; a column that asked for each row alone would ask hundreds of times.
        self._states = {state.item.pk: state for state in item_states()}
        return super().get_queryset(request)

    def board_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        states = item_states()
        chosen = request.GET.get("fault", "")
        shown = [state for state in states if chosen in ("", state.item.fault)]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Board"),
            "opts": self.model._meta,
            "chosen": chosen,
            "faults": fault_summaries(states=states),
            "columns": [{"status": column, "label": label(column), "states": _of(shown, column)} for column in COLUMNS],
        }
        return TemplateResponse(request, "admin/coordination/board.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        state = item_state(row_or_404(WorkItem.objects.all(), object_id).pk)
        context = {
            **self.admin_site.each_context(request),
            "title": str(state.item),
            "opts": self.model._meta,
            "state": state,
            "label": label(state.status),
            "comments": state.item.comments.all(),
            "risks": state.item.risks.all(),
            "decisions": state.item.decisions.all(),
            "history": journal.of(f"item {object_id}"),
            "verbs": [(name, title) for name, (title, _form, _verb) in self.verbs.items()]
            if self.has_verb_permission(request)
            else [],
        }
        return TemplateResponse(request, "admin/coordination/item.html", context)

    def verb_view(self, request: HttpRequest, row: str, verb: str) -> HttpResponse:
        if not self.has_verb_permission(request):
            raise PermissionDenied
        item = row_or_404(WorkItem.objects.all(), row)
        if verb not in self.verbs:
            raise Http404
        title, form_class, service = self.verbs[verb]
        initial = {"owner": item.owner, "due": item.due, "priority": item.priority, "status": item.override}
        form = form_class(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            actor = str(request.user)
            if self.attempt(request, lambda: service(row, actor, form.cleaned_data), _("Done.")):
                return HttpResponseRedirect(reverse("admin:coordination_workitem_change", args=[row]))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{item}: {title}",
            "opts": self.model._meta,
            "form": form,
            "submit": title,
        }
        return TemplateResponse(request, "admin/coordination/form.html", context)


@admin.register(JournalEntry)
class JournalAdmin(ReadOnlyAdmin):
    list_display = ("at", "subject", "action", "actor", "detail")
    list_filter = ("action",)
    search_fields = ("subject", "actor")


def _of(states: list[ItemState], column: ItemStatus) -> list[ItemState]:
    return sorted(
        (state for state in states if state.status is column),
        key=lambda state: (-state.item.priority, state.item.position),
    )
