from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from altlas.kernel.rows import row_or_404
from archive import services, words
from archive.admin.filters import DeletedFilter, KindFilter
from archive.admin.read_only import ReadOnlyAdmin, ReadOnlyInline
from archive.exceptions import RecordNotFound, RecordOnHold
from archive.models import Record, RecordRevision

_SHOWN = 5_000


class RevisionInline(ReadOnlyInline):
    model = RecordRevision
    fields = ("version", "status", "title", "replaced_at", "replaced_by")
    readonly_fields = fields
    ordering = ("-version",)
    verbose_name_plural = _("earlier versions")


def _dialog(title: Any, description: Any, button: Any) -> dict[str, Any]:
    return {"title": title, "description": description, "form_submit_text": button}


@admin.register(Record)
class RecordAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "shown_title", "owner", "kind", "shown_status", "language", "success_rate", "version")
    list_display_links = ("created_at", "shown_title")
    list_filter = (DeletedFilter, "status", KindFilter, "on_hold")
    list_select_related = ("owner",)
    search_fields = ("id",)
    search_help_text = _("Words of title and text, or the id of a record or of its owner.")
    ordering = ("-id",)
    sortable_by = ()
    inlines = (RevisionInline,)
    fields = (
        "id", "owner", "kind", "shown_status", "title", "shown_text", "payload", "tags", "language", "success_rate",
        "source_run_id", "on_hold", "version", "created_at", "updated_at", "deleted_at",
    )  # fmt: skip
    readonly_fields = fields
    actions = ("delete_selected_records", "restore_selected_records")
    actions_detail = ("put_away", "restore", "hold", "unhold")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Record]:
        found: QuerySet[Record] = super().get_queryset(request)
        if request.resolver_match is not None and request.resolver_match.url_name == "archive_record_changelist":
            found = found.defer("text", "payload", "embedding")
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Record], search_term: str
    ) -> tuple[QuerySet[Record], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        try:
            wanted = UUID(term)
        except ValueError:
            expression, parameters = words.expression(term)
            # Composed of fixed text; the words are parameters.
            match = RawSQL(f"archive_record.search @@ {expression}", parameters)  # noqa: S611, RUF100
            return queryset.annotate(matching=match).filter(matching=True), False
        return queryset.filter(pk=wanted) | queryset.filter(owner_id=wanted), False

    @display(description=_("title"))
    def shown_title(self, record: Record) -> str:
        return record.title or str(record.pk)

    @display(description=_("status"), label={"active": "success", "failed": "danger", "deleted": "warning"})
    def shown_status(self, record: Record) -> str:
        return "deleted" if record.deleted_at else record.status

    @display(description=_("text"))
    def shown_text(self, record: Record) -> str:
        if len(record.text) <= _SHOWN:
            return record.text
        return f"{record.text[:_SHOWN]}… ({len(record.text):,})"

    @admin.action(description=_("Delete selected records (they can be restored)"), permissions=["verb"])
    def delete_selected_records(self, request: HttpRequest, queryset: QuerySet[Record]) -> None:
        self._each(request, queryset.alive().values_list("pk", flat=True), services.record_delete)  # type: ignore[attr-defined]  # RecordQuerySet

    @admin.action(description=_("Restore selected records"), permissions=["verb"])
    def restore_selected_records(self, request: HttpRequest, queryset: QuerySet[Record]) -> None:
        gone = queryset.filter(deleted_at__isnull=False)
        self._each(request, gone.values_list("pk", flat=True), services.record_restore)

    def _each(self, request: HttpRequest, keys: Any, verb: Callable[..., Record]) -> None:
        done = refused = 0
        for key in keys:
            try:
                verb(record_id=key, owner_id=None, actor_id=request.user.pk)
            except (RecordOnHold, RecordNotFound):
                refused += 1
            else:
                done += 1
        self.message_user(
            request, ngettext("%(count)d record.", "%(count)d records.", done) % {"count": done}, messages.SUCCESS
        )
        if refused:
            text = _("%(count)d were left: on hold, or changed meanwhile.") % {"count": refused}
            self.message_user(request, text, messages.WARNING)

    def _one(
        self, request: HttpRequest, object_id: str, verb: Callable[..., Record], **extra: Any
    ) -> HttpResponseRedirect:
        record = row_or_404(Record.objects.only("pk"), object_id)
        try:
            verb(record_id=record.pk, actor_id=request.user.pk, **extra)
        except (RecordOnHold, RecordNotFound) as exc:
            self.message_user(request, exc.detail, messages.ERROR)
        else:
            self.message_user(request, _("Done."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:archive_record_change", args=[object_id]))

    @action(
        description=_("Delete"),
        icon="delete",
        permissions=["verb"],
        dialog=_dialog(_("Delete this record?"), _("Its owner no longer finds it; it can be restored."), _("Delete")),
    )
    def put_away(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        return self._one(request, object_id, services.record_delete, owner_id=None)

    @action(
        description=_("Restore"),
        icon="restore_from_trash",
        permissions=["verb"],
        dialog=_dialog(_("Restore this record?"), _("Its owner finds it again."), _("Restore")),
    )
    def restore(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        return self._one(request, object_id, services.record_restore, owner_id=None)

    @action(
        description=_("Hold"),
        icon="lock",
        permissions=["verb"],
        dialog=_dialog(_("Hold this record?"), _("Nobody and no rule deletes it until the hold is lifted."), _("Hold")),
    )
    def hold(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        return self._one(request, object_id, services.record_hold, on_hold=True)

    @action(
        description=_("Lift hold"),
        icon="lock_open",
        permissions=["verb"],
        dialog=_dialog(_("Lift the hold?"), _("Its owner and the rules may delete it again."), _("Lift hold")),
    )
    def unhold(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponseRedirect:
        return self._one(request, object_id, services.record_hold, on_hold=False)
