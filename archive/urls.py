from __future__ import annotations

from django.urls import URLPattern, path

from archive.views.records import RecordsView, RecordView, RestoreView
from archive.views.search import SearchView
from archive.views.stats import StatsView
from archive.views.transfer import BulkView, ExportView

urlpatterns: list[URLPattern] = [
    path("records", RecordsView.as_view(), name="archive-records"),
    path("records/<uuid:record_id>", RecordView.as_view(), name="archive-record"),
    path("records/<uuid:record_id>/restore", RestoreView.as_view(), name="archive-record-restore"),
    path("search", SearchView.as_view(), name="archive-search"),
    path("export", ExportView.as_view(), name="archive-export"),
    path("bulk", BulkView.as_view(), name="archive-bulk"),
    path("stats", StatsView.as_view(), name="archive-stats"),
]
