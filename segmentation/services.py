"""Writes of segmentation, one function per verb."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from altlas.kernel import replies
from altlas.kernel.clock import now
from altlas.kernel.errors import AltlasError, FieldError, Unavailable
from altlas.kernel.ids import uuid7
from altlas.kernel.request_id import current_request_id
from altlas.kernel.tasks import enqueue
from segmentation import metrics, nodes
from segmentation.conf import conf
from segmentation.exceptions import (
    ClaimLost,
    InvalidRequest,
    QueueFull,
    RunNotFound,
    RunTimedOut,
    TextTooLong,
    TransitionNotAllowed,
)
from segmentation.models import SegmentationItem, SegmentationRun
from segmentation.statuses import ENDED, Status, allowed
from segmentation.texts import fault_of

EXECUTE = "segmentation.execute"
_SWEPT = 100  # rows at a time

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Created:
    """A stored run and the reply channel on which its end is announced."""

    run: SegmentationRun
    reply_id: str


def run_create(
    *,
    owner_id: UUID,
    texts: Sequence[str],
    strategy: str,
    options: dict[str, Any],
    language: str = "",
    model: str = "",
    archive: bool = True,
    batch: bool = False,
) -> Created:
    """Store a run of one text, or of a ``batch``, and hand it to a node.

    ``options`` are complete (``options.complete``). In a batch a text that cannot be taken becomes an item with an
    error; a batch of nothing but such texts is refused.

    Raises:
        InvalidRequest, TextTooLong: the text cannot be taken; ``errors`` names the member.
        Unavailable: no node is alive, the broker is away, or too many runs wait; nothing was stored.
    """
    faults = texts_check(texts, batch=batch)
    nodes.require_live()
    if SegmentationRun.objects.filter(status=Status.QUEUED).count() >= conf.max_queued:
        raise QueueFull("Too many runs are waiting for a node; try again later.", retry_after=10)
    run = SegmentationRun(
        owner_id=owner_id,
        strategy=strategy,
        language=language,
        model=model,
        options=options,
        archive=archive,
        batch=batch,
        request_id=current_request_id(),
    )
    items = [_new_item(run, position, text, faults.get(position)) for position, text in enumerate(texts)]
    reply_id = replies.new_reply_id()
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            SegmentationItem.objects.bulk_create(items)
            enqueue(EXECUTE, args=[str(run.pk), reply_id])
    except Unavailable:
        # The task leaves after the commit: a broker that refuses it must not leave a run that nobody works on.
        SegmentationRun.objects.filter(pk=run.pk).delete()
        raise
    return Created(run=run, reply_id=reply_id)


def texts_check(texts: Sequence[str], *, batch: bool) -> dict[int, FieldError]:
    """Return the faults of texts by their places.

    Raises:
        InvalidRequest, TextTooLong: not one of them can be taken.
    """
    found = {}
    for position, text in enumerate(texts):
        pointer = f"/texts/{position}" if batch else "/text"
        fault = fault_of(text, pointer=pointer, maximum=conf.max_characters)
        if fault is not None:
            found[position] = fault
    if not found or len(found) < len(texts):
        return found
    errors = tuple(found.values())
    if all(fault.code == "too_long" for fault in errors):
        raise TextTooLong(errors[0].detail, errors=errors)
    raise InvalidRequest(errors[0].detail, errors=errors)


def _new_item(run: SegmentationRun, position: int, text: str, fault: FieldError | None) -> SegmentationItem:
    if fault is None:
        return SegmentationItem(run=run, position=position, text=text)
    problem = {"code": fault.code, "status": 413 if fault.code == "too_long" else 400, "detail": fault.detail}
    return SegmentationItem(
        run=run, position=position, status=Status.FAILED, error={**problem, "errors": [fault.as_dict()]}
    )


def run_claim(*, run_id: UUID) -> SegmentationRun | None:
    """Take a run for this worker and return it; None when it has ended, is at work elsewhere, or is gone.

    The task may be delivered more than once: whoever comes second finds the claim. A claim whose holder gave no sign
    of life for ``claim_ttl`` is taken over.
    """
    moment, claim = now(), uuid7()
    lapsed = moment - timedelta(seconds=conf.claim_ttl)
    free = Q(status=Status.QUEUED) | Q(status=Status.RUNNING) & (Q(alive_at=None) | Q(alive_at__lte=lapsed))
    claimed = SegmentationRun.objects.filter(free, pk=run_id).update(
        status=Status.RUNNING,
        claim=claim,
        attempt=F("attempt") + 1,
        started_at=moment,
        alive_at=moment,
        node=settings.NODE_NAME,
    )
    return SegmentationRun.objects.filter(pk=run_id, claim=claim).first() if claimed else None


def run_beat(*, run: SegmentationRun, progress: float) -> None:
    """Say that the holder of the claim is alive and how far it is; inside a transaction this also locks the run.

    Raises:
        ClaimLost: the run was cancelled or taken over.
    """
    held = SegmentationRun.objects.filter(pk=run.pk, claim=run.claim, status=Status.RUNNING)
    if not held.update(progress=min(max(progress, 0.0), 1.0), alive_at=now()):
        raise ClaimLost(str(run.pk))


def run_release(*, run: SegmentationRun, reply_id: str) -> None:
    """Give a claimed run back and send it again: another node, or this one once it is back, does what is left."""
    held = SegmentationRun.objects.filter(pk=run.pk, claim=run.claim, status=Status.RUNNING)
    if held.update(status=Status.QUEUED, claim=None, alive_at=None, sent_at=now()):
        try:
            enqueue(EXECUTE, args=[str(run.pk), reply_id], on_commit=False)
        except Unavailable:
            logger.warning("run %s waits for the sweep: the broker cannot be reached", run.pk)


def run_finish(*, run: SegmentationRun, timings: dict[str, float]) -> None:
    """End a claimed run by what its items came to, in the transaction that the caller may have open.

    Raises:
        ClaimLost
    """
    run_conclude(run, run.items.values_list("status", "error"), timings)
    held = SegmentationRun.objects.filter(pk=run.pk, claim=run.claim, status=Status.RUNNING)
    ended = ("status", "error", "timings", "progress", "finished_at")
    if not held.update(**{name: getattr(run, name) for name in ended}):
        raise ClaimLost(str(run.pk))
    transaction.on_commit(metrics.RUNS.labels(strategy=run.strategy, status=run.status).inc)


def run_conclude(
    run: SegmentationRun, outcomes: Iterable[tuple[str, dict[str, Any] | None]], timings: dict[str, float]
) -> None:
    """Set what a run says about itself once its items have ended with these statuses and errors; saves nothing."""
    found = list(outcomes)
    worked = any(status == Status.SUCCEEDED for status, _ in found)
    run.status = Status.SUCCEEDED if worked else Status.FAILED
    run.error = None if worked else next((error for _, error in found if error), None)
    run.timings = timings
    run.progress = 1.0
    run.finished_at = now()


def run_cancel(*, run_id: UUID, owner_id: UUID | None = None) -> SegmentationRun:
    """End a run that has not ended; what its finished texts gave stays. ``owner_id`` None reaches every owner's.

    Raises:
        RunNotFound, TransitionNotAllowed
    """
    with transaction.atomic():
        run = _locked(run_id, owner_id)
        _move(run, Status.CANCELLED)
        run.finished_at = now()
        run.save(update_fields=["status", "finished_at"])
        run.items.filter(status__in=[Status.QUEUED, Status.RUNNING]).update(status=Status.CANCELLED)
    metrics.RUNS.labels(strategy=run.strategy, status=run.status).inc()
    return run


def run_retry(*, run_id: UUID, owner_id: UUID | None = None) -> Created:
    """Queue a failed or cancelled run again; texts that have succeeded are not done again.

    Raises:
        RunNotFound, TransitionNotAllowed
        Unavailable: no node or no broker; the run stays as it was.
    """
    nodes.require_live()
    reply_id = replies.new_reply_id()
    before = SegmentationRun.objects.filter(pk=run_id).first()
    try:
        with transaction.atomic():
            run = _locked(run_id, owner_id)
            _move(run, Status.QUEUED)
            run.claim = run.started_at = run.finished_at = run.error = run.alive_at = None
            run.progress = 0.0
            run.created_at = run.sent_at = now()
            run.save()
            # A text that could not be taken has none to try again.
            run.items.exclude(status=Status.SUCCEEDED).exclude(text="").update(status=Status.QUEUED, error=None)
            enqueue(EXECUTE, args=[str(run.pk), reply_id])
    except Unavailable:
        if before is not None and before.status in ENDED:
            before.save()
        raise
    return Created(run=run, reply_id=reply_id)


def run_fail(*, run_id: UUID, error: AltlasError) -> None:
    """End a run that no node can or may finish. One that has ended meanwhile stays as it is."""
    with transaction.atomic():
        run = _locked(run_id, None)
        if not allowed(Status(run.status), Status.FAILED):
            return
        run.status = Status.FAILED
        run.error = problem(error)
        run.finished_at = now()
        run.save(update_fields=["status", "error", "finished_at"])
        run.items.filter(status__in=[Status.QUEUED, Status.RUNNING]).update(status=Status.FAILED, error=run.error)
    metrics.RUNS.labels(strategy=run.strategy, status=run.status).inc()


def runs_sweep() -> dict[str, int]:
    """Send again the runs whose node or message is gone, and fail those that wait too long; return the counts.

    A message is lost with a broker that restarts without its data, or with a node that dies holding it: nobody can
    tell from one that waits its turn. One message too many costs a look at the row, for the claim decides.
    """
    moment = now()
    overdue = SegmentationRun.objects.filter(
        status=Status.QUEUED, created_at__lt=moment - timedelta(seconds=conf.queue_deadline)
    )
    failed = list(overdue.values_list("pk", flat=True)[:_SWEPT])
    for run_id in failed:
        run_fail(run_id=run_id, error=RunTimedOut("No node took the run before its deadline."))
    orphaned = Q(status=Status.RUNNING, alive_at__lt=moment - timedelta(seconds=conf.claim_ttl))
    unheard = Q(status=Status.QUEUED)
    lost = SegmentationRun.objects.filter(
        orphaned | unheard, sent_at__lt=moment - timedelta(seconds=conf.resend_after)
    ).order_by("sent_at")
    again = list(lost.values_list("pk", flat=True)[:_SWEPT])
    for run_id in again:
        enqueue(EXECUTE, args=[str(run_id), replies.new_reply_id()])
        SegmentationRun.objects.filter(pk=run_id).update(sent_at=moment)
    return {"sent_again": len(again), "failed": len(failed)}


def problem(error: AltlasError) -> dict[str, Any]:
    """Return ``error`` as it is kept in a row and shown inside an answer."""
    return {
        "type": f"urn:altlas:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "errors": [item.as_dict() for item in error.errors],
    }


def _locked(run_id: UUID, owner_id: UUID | None) -> SegmentationRun:
    found = SegmentationRun.objects.select_for_update().filter(pk=run_id)
    run = (found if owner_id is None else found.filter(owner_id=owner_id)).first()
    if run is None:
        raise RunNotFound("There is no such segmentation.")
    return run


def _move(run: SegmentationRun, new: Status) -> None:
    if not allowed(Status(run.status), new):
        raise TransitionNotAllowed(f"A segmentation that is {run.status} cannot become {new}.")
    run.status = new
