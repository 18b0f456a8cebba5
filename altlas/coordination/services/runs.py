"""Verification runs: queued, claimed one at a time, alive or not, ended once."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from math import isfinite
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from altlas.coordination import journal
from altlas.coordination.conf import conf
from altlas.coordination.exceptions import ChangeNotAllowed, RunNotFound
from altlas.coordination.models import Trigger, VerificationRun
from altlas.coordination.statuses import ENDED, RED, RunStatus
from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7
from altlas.kernel.tasks import enqueue
from altlas.kernel.verification import Load, Outcome, Verification

DRAIN = "coordination.drain"
_LOST = "The process that ran it gave no sign of life any more; run it again."


def runs_queue(
    *,
    wanted: Iterable[tuple[Verification, Load]],
    trigger: str,
    user: Any = None,
    by_worker: bool = True,
    sabotaged: Sequence[str] = (),
) -> list[VerificationRun]:
    """Store a run for each of ``wanted``; a worker takes them one after the other, unless the caller does.

    Raises:
        Unavailable: the broker did not take the task; the runs stay queued and the next tending sends it again.
    """
    batch = uuid7()
    with transaction.atomic():
        runs = [
            VerificationRun.objects.create(
                batch=batch,
                name=verification.name,
                service=verification.service,
                load=load,
                trigger=trigger,
                requested_by=user,
                by_worker=by_worker,
                sabotaged=verification.name in sabotaged,
                thresholds=[asdict(threshold) for threshold in verification.thresholds],
            )
            for verification, load in wanted
        ]
        journal.note(
            f"batch {batch}",
            "verify",
            actor=str(user or ""),
            trigger=str(trigger),
            runs=[f"{run.name} {run.load}" for run in runs],
        )
        if by_worker:
            enqueue(DRAIN)
    return runs


def run_claim(*, run_id: UUID | None = None) -> VerificationRun | None:
    """Take ``run_id``, or the oldest run that waits for a worker; None when there is none or another one runs.

    The database allows one running run: whoever comes second at the same moment gets None.
    """
    runs_tend(send=False)
    try:
        with transaction.atomic():
            found = VerificationRun.objects.select_for_update(skip_locked=True, of=("self",)).filter(
                status=RunStatus.QUEUED
            )
            found = found.filter(by_worker=True) if run_id is None else found.filter(pk=run_id)
            run = found.order_by("created_at", "id").first()
            if run is None or VerificationRun.objects.filter(status=RunStatus.RUNNING).exists():
                return None
            run.status = RunStatus.RUNNING
            run.started_at = run.alive_at = now()
            run.worker = f"{socket.gethostname()}:{os.getpid()}"
            run.save(update_fields=["status", "started_at", "alive_at", "worker"])
    except IntegrityError:
        return None
    return run


def run_beat(*, run: VerificationRun, progress: float, stage: str) -> bool:
    """Say that the run is alive and how far; return whether it should go on (not cancelled, not given up)."""
    held = VerificationRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING)
    held.update(progress=min(max(progress, 0.0), 1.0), stage=stage[:200], alive_at=now())
    return held.filter(cancel_requested=False).exists()


def run_finish(
    *,
    run: VerificationRun,
    status: RunStatus,
    outcome: Outcome | None = None,
    reasons: Sequence[str] = (),
    environment: dict[str, Any] | None = None,
) -> VerificationRun:
    """End a claimed run. One that was given up meanwhile stays as it is."""
    with transaction.atomic():
        found = VerificationRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
        if found.status != RunStatus.RUNNING:
            return found
        found.status = status
        found.reasons = list(reasons)
        found.environment = environment or {}
        if outcome is not None:
            # JSON knows neither NaN nor infinity.
            found.metrics = {name: value if isfinite(value) else None for name, value in outcome.metrics.items()}
            found.series = [{**asdict(series), "points": _finite(series.points)} for series in outcome.series]
            found.notes = list(outcome.notes)
        found.progress = 1.0 if status != RunStatus.CANCELLED else found.progress
        found.finished_at = now()
        found.save()
        _after(found)
    return found


def _finite(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    return [point for point in points if all(map(isfinite, point))]


def _after(run: VerificationRun) -> None:
    if run.status in RED:
        from altlas.coordination.services import rollouts  # it queues runs itself

        rollouts.reopen_watched(run=run)


def run_cancel(*, run_id: UUID, actor: str = "") -> VerificationRun:
    """Cancel: a queued run ends now, a running one at its next step.

    Raises:
        RunNotFound, ChangeNotAllowed: it has ended.
    """
    with transaction.atomic():
        run = VerificationRun.objects.select_for_update(of=("self",)).filter(pk=run_id).first()
        if run is None:
            raise RunNotFound("There is no such verification run.")
        if run.status in ENDED:
            raise ChangeNotAllowed(f"The run is {run.status}; only a queued or running one can be cancelled.")
        run.cancel_requested = True
        if run.status == RunStatus.QUEUED:
            run.status, run.finished_at = RunStatus.CANCELLED, now()
        run.save(update_fields=["cancel_requested", "status", "finished_at"])
        journal.note(f"run {run.pk}", "cancel", actor=actor, verification=run.name)
    return run


def runs_tend(*, moment: datetime | None = None, send: bool = True) -> dict[str, int]:
    """End the runs whose process is gone, and (``send``) have the ones that wait taken; return the counts."""
    moment = moment or now()
    silent = moment - timedelta(seconds=conf.alive_seconds)
    with transaction.atomic():
        lost = list(
            VerificationRun.objects.select_for_update(skip_locked=True, of=("self",)).filter(
                status=RunStatus.RUNNING, alive_at__lt=silent
            )
        )
        # A command that was killed leaves runs that nobody else may take.
        abandoned = VerificationRun.objects.filter(
            status=RunStatus.QUEUED, by_worker=False, created_at__lt=moment - timedelta(hours=1)
        )
        abandoned.update(status=RunStatus.CANCELLED, finished_at=moment, reasons=[_LOST])
        for run in lost:
            run.status, run.finished_at = RunStatus.ERROR, moment
            run.reasons = [_LOST]
            run.save(update_fields=["status", "finished_at", "reasons"])
            journal.note(f"run {run.pk}", "lost", verification=run.name, worker=run.worker)
    waiting = VerificationRun.objects.filter(status=RunStatus.QUEUED, by_worker=True).count()
    if send and waiting:
        enqueue(DRAIN)
    return {"lost": len(lost), "waiting": waiting}


def chosen(*, service: str = "", full: bool = False, load: Load | None = None) -> list[tuple[Verification, Load]]:
    """Return what ``manage.py verify`` runs: by service or by one name, at one load, or (``full``) at all of its own.

    Raises:
        NotFound: nothing is called so.
    """
    from altlas.kernel.verification import get, registered

    found = registered(service) if service else registered()
    if service and not found:
        found = [get(service)]
    if full:
        return [(verification, each) for verification in found for each in verification.full]
    return [(verification, load or Load.MID) for verification in found]


__all__ = ["Trigger", "chosen", "run_beat", "run_cancel", "run_claim", "run_finish", "runs_queue", "runs_tend"]
