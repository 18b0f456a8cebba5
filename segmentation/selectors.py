"""Reads of segmentation."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count

from altlas.kernel.errors import FieldError
from segmentation.exceptions import InvalidRequest, RunNotFound
from segmentation.models import SegmentationItem, SegmentationRun

PAGE_DEFAULT, PAGE_MAXIMUM = 50, 200


@dataclass(frozen=True, kw_only=True, slots=True)
class RunsPage:
    """Newest first; the cursors are None at the ends."""

    runs: list[SegmentationRun]
    next: str | None
    previous: str | None


def run_get(*, run_id: UUID, owner_id: UUID | None = None) -> SegmentationRun:
    """Return a run; ``owner_id`` None reaches every owner's.

    Raises:
        RunNotFound: also for a run of somebody else, whose existence is not told.
    """
    found = SegmentationRun.objects.filter(pk=run_id)
    run = (found if owner_id is None else found.filter(owner_id=owner_id)).first()
    if run is None:
        raise RunNotFound("There is no such segmentation.")
    return run


def run_items(run: SegmentationRun) -> list[SegmentationItem]:
    return list(run.items.order_by("position"))


def runs_page(
    *, owner_id: UUID, limit: int = PAGE_DEFAULT, cursor: str = "", status: str = "", strategy: str = ""
) -> RunsPage:
    """Return one page of an owner's runs by keyset: the id, a UUID version 7, is the order of creation.

    Raises:
        InvalidRequest: the cursor is not one of ours.
    """
    runs = SegmentationRun.objects.filter(owner_id=owner_id)
    if status:
        runs = runs.filter(status=status)
    if strategy:
        runs = runs.filter(strategy=strategy)
    backwards, key = _decoded(cursor)
    if key is not None:
        runs = runs.filter(pk__gt=key) if backwards else runs.filter(pk__lt=key)
    found = list(runs.order_by("pk" if backwards else "-pk")[: limit + 1])
    more = len(found) > limit
    found = found[:limit]
    if backwards:
        found.reverse()
    before = more if backwards else key is not None
    after = key is not None if backwards else more
    return RunsPage(
        runs=found,
        next=_encoded("n", found[-1].pk) if found and after else None,
        previous=_encoded("p", found[0].pk) if found and before else None,
    )


def outcomes_since(moment: datetime) -> dict[str, int]:
    """Return how many runs that were created since ``moment`` are in which status."""
    recent = SegmentationRun.objects.filter(created_at__gte=moment).order_by()
    return dict(recent.values_list("status").annotate(Count("id")))


def _encoded(direction: str, key: UUID) -> str:
    return base64.urlsafe_b64encode(direction.encode() + key.bytes).decode().rstrip("=")


def _decoded(cursor: str) -> tuple[bool, UUID | None]:
    if not cursor:
        return False, None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        if raw[:1] not in (b"n", b"p"):
            raise ValueError
        return raw[:1] == b"p", UUID(bytes=raw[1:])
    except (ValueError, binascii.Error):
        detail = "This cursor is not one that a list of segmentations gave."
        raise InvalidRequest(detail, errors=[FieldError(pointer="/cursor", code="invalid", detail=detail)]) from None
