from __future__ import annotations

from django.urls import path

from segmentation import views

urlpatterns = [
    path("", views.SegmentationsView.as_view(), name="segmentations"),
    path("/<uuid:run_id>", views.SegmentationView.as_view(), name="segmentation"),
    path("/<uuid:run_id>/events", views.EventsView.as_view(), name="segmentation-events"),
    path("/<uuid:run_id>/cancel", views.CancelView.as_view(), name="segmentation-cancel"),
    path("/<uuid:run_id>/retry", views.RetryView.as_view(), name="segmentation-retry"),
]
