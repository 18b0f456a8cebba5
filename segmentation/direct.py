"""A short text that somebody waits for: done in this process and stored once, when it has ended.

A message to a node, a claim, a ledger row and a reply would cost several times the work itself (decision 0035). Only
what takes this process no more than moments and holds nothing large in it comes here; the model runs on a node either
way. Until the answer nothing is accepted, so nothing is stored: a process that dies leaves no half a run.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from altlas.kernel.clock import SYSTEM, Clock, now
from altlas.kernel.errors import AltlasError
from altlas.kernel.request_id import current_request_id
from segmentation import metrics, nodes, services
from segmentation.conf import conf
from segmentation.exceptions import RunTimedOut
from segmentation.execution import Made, Stopwatch, count, failed, keep, segmented
from segmentation.models import SegmentationItem, SegmentationRun


def fits(text: str, strategy: str, options: dict[str, Any]) -> bool:
    """Whether this process may do such a text: a short one that needs no tokenizer here."""
    return len(text) <= conf.direct_characters and not (strategy == "chunk" and options["unit"] != "characters")


def run_direct(
    *,
    owner_id: UUID,
    text: str,
    strategy: str,
    options: dict[str, Any],
    timeout: float,
    language: str = "",
    model: str = "",
    archive: bool = True,
    clock: Clock = SYSTEM,
) -> tuple[SegmentationRun, SegmentationItem] | None:
    """Do a run of one text and return it as it ended and is stored, with its item.

    None when it would not be done within ``timeout`` seconds (the model is being loaded, say): it is for the queue
    then, and nothing is stored.

    Raises:
        InvalidRequest, TextTooLong: the text cannot be taken; ``errors`` names the member.
        NodeUnavailable: no node is alive.
    """
    services.texts_check([text], batch=False)
    nodes.require_live()
    begun, moment = clock.monotonic(), now()

    def remaining() -> float:
        left = begun + timeout - clock.monotonic()
        if left <= 0:
            raise RunTimedOut
        return left

    run = SegmentationRun(
        owner_id=owner_id,
        strategy=strategy,
        language=language,
        model=model,
        options=options,
        archive=archive,
        request_id=current_request_id(),
        attempt=1,
        node=settings.NODE_NAME,
        created_at=moment,
        started_at=moment,
        sent_at=moment,
    )
    item = SegmentationItem(run=run, position=0, text=text)
    watch = Stopwatch(clock)
    try:
        made = segmented(run, item, watch, remaining=remaining, report=lambda part: None)
        remaining()  # what came after the deadline may be the deadline's own error
    except RunTimedOut:
        metrics.DIRECT.labels(outcome="late").inc()
        return None
    try:
        _store(run, item, made, watch)
    except AltlasError as exc:
        # The archive refused the record.
        failed(item, exc)
        _store(run, item, None, watch)
    count(run, item, watch)
    metrics.RUNS.labels(strategy=strategy, status=run.status).inc()
    metrics.DIRECT.labels(outcome="done").inc()
    return run, item


def _store(run: SegmentationRun, item: SegmentationItem, made: Made | None, watch: Stopwatch) -> None:
    with transaction.atomic():
        if made is not None:
            keep(run, item, made, watch)
        item.timings = watch.rounded()
        services.run_conclude(run, [(item.status, item.error)], timings={"queued": 0.0, "total": item.timings["total"]})
        run.save(force_insert=True)
        item.save(force_insert=True)
