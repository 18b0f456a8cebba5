"""The memory watch's series; its alerts are on the alerts page."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from orchestrator.admin.read_only import ReadOnlyAdmin
from orchestrator.admin.shown import megabytes
from orchestrator.models import MemorySample


@admin.register(MemorySample)
class MemorySampleAdmin(ReadOnlyAdmin):
    list_display = (
        "at", "node", "name", "pid", "shown_anon", "shown_uss", "shown_pss", "shown_heap", "shapes", "threads",
        "descriptors",
    )  # fmt: skip
    list_filter = ("kind", "node", "at")
    search_fields = ("name", "=pid")
    date_hierarchy = "at"
    show_full_result_count = False

    @display(description=_("anonymous"), ordering="anon")
    def shown_anon(self, sample: MemorySample) -> str:
        return megabytes(sample.anon)

    @display(description="USS", ordering="uss")
    def shown_uss(self, sample: MemorySample) -> str:
        return megabytes(sample.uss)

    @display(description="PSS", ordering="pss")
    def shown_pss(self, sample: MemorySample) -> str:
        return megabytes(sample.pss)

    @display(description=_("heap in use"))
    def shown_heap(self, sample: MemorySample) -> str:
        return megabytes(sample.told.get("heap_in_use"))

    @display(description=_("shapes"))
    def shapes(self, sample: MemorySample) -> str:
        return str(sample.told.get("shapes", "–"))
