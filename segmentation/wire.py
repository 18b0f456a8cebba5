"""Rows as answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from segmentation.algorithms.tokens import code_points
from segmentation.models import SegmentationItem, SegmentationRun


def run_body(run: SegmentationRun, items: Sequence[SegmentationItem]) -> dict[str, Any]:
    """Return the whole answer of a run: its segments, or its items when it is a batch."""
    body = run_summary(run)
    if run.error:
        body["error"] = run.error
    if run.batch:
        return {**body, "items": [item_body(run, item) for item in items]}
    return {**body, **_result(run, items[0]), "timings": {**items[0].timings, **run.timings}}


def run_summary(run: SegmentationRun) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "status": run.status,
        "strategy": run.strategy,
        "language": run.language,
        "model": run.model,
        "progress": round(run.progress, 4),
        "options": run.options,
        "timings": run.timings,
        "request_id": run.request_id,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }


def item_body(run: SegmentationRun, item: SegmentationItem) -> dict[str, Any]:
    """Return one text of a batch: a result, or the problem it met."""
    base: dict[str, Any] = {"index": item.position, "status": item.status}
    if item.error:
        # The problem's own `status` is its HTTP status; what became of the text is `failed` by being a problem.
        return {**base, **item.error}
    return {**base, "strategy": run.strategy, "timings": item.timings, **_result(run, item)}


def accepted_body(run: SegmentationRun) -> dict[str, Any]:
    return {"id": str(run.pk), "status": run.status, "progress": round(run.progress, 4)}


def _result(run: SegmentationRun, item: SegmentationItem) -> dict[str, Any]:
    utf16 = run.options.get("offsets") == "utf16"
    extra = {name: value for name, value in item.extra.items() if name != "details"}
    if "sections" in extra:
        at = _places(item.text, utf16=utf16)
        extra["sections"] = [{**s, "start": at(s["start"]), "end": at(s["end"])} for s in extra["sections"]]
    if "tasks" in extra:
        extra = _tasks(item, extra, utf16=utf16)
    found: dict[str, Any] = {
        "language": item.language or run.language,
        "model": extra.pop("model", "") or run.model,
        "segments": _segments(item, utf16=utf16),
        "record_id": str(item.record_id) if item.record_id else None,
        **extra,
    }
    if item.warnings:
        found["warnings"] = item.warnings
    return found


def _segments(item: SegmentationItem, *, utf16: bool) -> list[dict[str, Any]]:
    at = _places(item.text, utf16=utf16)
    details = item.extra.get("details") or [{}] * len(item.segments)
    return [
        {
            "index": index,
            "start": at(start),
            "end": at(end),
            "text": item.text[start:end],
            "score": score,
            **{name: at(value) if name == "core" else value for name, value in detail.items()},
        }
        for index, ((start, end, score), detail) in enumerate(zip(item.segments, details, strict=True))
    ]


def _tasks(item: SegmentationItem, extra: dict[str, Any], *, utf16: bool) -> dict[str, Any]:
    """Return the members of a command with their places in the unit that was asked for."""
    at = _places(item.text, utf16=utf16)
    return extra | {
        "tasks": [{**task, "spans": [[at(a), at(b)] for a, b in task["spans"]]} for task in extra["tasks"]],
        "edges": [
            {**edge, "evidence": [at(place) for place in edge["evidence"]] if edge["evidence"] else None}
            for edge in extra["edges"]
        ],
    }


def _places(text: str, *, utf16: bool) -> Callable[[int], int]:
    if not utf16:
        return lambda place: place
    places = _utf16_places(text)
    return lambda place: int(places[place])


def _utf16_places(text: str) -> Any:
    """Return, for each code point and the end, its offset in UTF-16 units: two for what lies beyond U+FFFF."""
    return np.concatenate(([0], np.cumsum(1 + (code_points(text) > 0xFFFF))))
