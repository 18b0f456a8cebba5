"""Metrics of segmentation."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

RUNS = Counter("altlas_segmentation_runs_total", "Runs that ended, by strategy and status.", ["strategy", "status"])
CHARACTERS = Counter("altlas_segmentation_characters_total", "Characters segmented.", ["strategy"])
SEGMENTS = Counter("altlas_segmentation_segments_total", "Segments found.", ["strategy"])
ITEM_ERRORS = Counter("altlas_segmentation_item_errors_total", "Texts that failed, by error code.", ["code"])
SECONDS = Histogram(
    "altlas_segmentation_seconds",
    "Time of one text by part of the work.",
    ["strategy", "part"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
DIRECT = Counter(
    "altlas_segmentation_direct_total",
    "Texts that the web process took on itself: done, or late and handed to the queue.",
    ["outcome"],
)
REDELIVERED = Counter("altlas_segmentation_redelivered_total", "Deliveries of a run that another node has or had done.")
