from __future__ import annotations

from django.urls import path

from segmentation import document_views, views

urlpatterns = [
    path("segmentations", views.SegmentationsView.as_view(), name="segmentations"),
    path("segmentations/<uuid:run_id>", views.SegmentationView.as_view(), name="segmentation"),
    path("segmentations/<uuid:run_id>/events", views.EventsView.as_view(), name="segmentation-events"),
    path("segmentations/documents", document_views.DocumentsView.as_view(), name="segmentation-documents"),
    path("segmentations/<uuid:run_id>/document", document_views.DocumentView.as_view(), name="segmentation-document"),
    path("segmentations/<uuid:run_id>/cancel", views.CancelView.as_view(), name="segmentation-cancel"),
    path("segmentations/<uuid:run_id>/retry", views.RetryView.as_view(), name="segmentation-retry"),
]
