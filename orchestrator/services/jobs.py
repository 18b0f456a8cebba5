"""Loads as rows: one open job per version and node, whoever asks and however often its task is delivered.

A job is asked for by an operator or a drain, or written down when a request makes a node load. Its node settles it; the
jobs of a node that died go to another one.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from altlas.kernel import clock
from altlas.kernel.errors import AltlasError
from altlas.kernel.request_id import current_request_id
from altlas.kernel.tasks import enqueue
from orchestrator.conf import conf
from orchestrator.exceptions import JobNotFound, NodeNotFound, NodeUnavailable
from orchestrator.models import EventKind, JobStatus, LoadJob, ModelVersion, VersionStatus
from orchestrator.models.jobs import OPEN
from orchestrator.placement import choose
from orchestrator.selectors.catalogue import version_find
from orchestrator.selectors.cluster import live_nodes
from orchestrator.services.events import event_record
from orchestrator.services.specs import spec_of
from orchestrator.supervisor.spec import Key
from orchestrator.supervisor.states import ARRIVING, State
from orchestrator.worker import node as here

logger = logging.getLogger(__name__)
_MOST_ATTEMPTS = 3
_LOOK_SECONDS = 0.5
_BEGINS_WITHIN = 3.0
# Owners say that they live every ten seconds, and may be late.
_SILENT_AFTER = timedelta(seconds=15)
_SETTLED_AFTER = timedelta(seconds=30)
_SENT_AGAIN_AFTER = timedelta(seconds=60)
_OPEN_WITHOUT_A_NODE = timedelta(minutes=10)
_rng = random.Random()  # noqa: S311  # spreads load, guards nothing


def job_request(*, model: str, version: str | None = None, node: str | None = None, actor: str = "") -> LoadJob:
    """Ask for a load and return at once; an open job for the same version and node is returned instead of a second.

    Raises:
        ModelNotFound.
        NodeNotFound: no live node is called ``node``.
        NodeUnavailable: no node is in service.
    """
    row = version_find(model=model, version=version)
    alive = live_nodes(fresh=True)
    if node is not None and all(found["name"] != node for found in alive):
        raise NodeNotFound(f"There is no live node {node!r}.")
    nodes = [found for found in alive if not found.get("draining")]
    target = node or choose(nodes, model=model, version=row.version, now=time.time(), rng=_rng)
    if target is None:
        raise NodeUnavailable("No node is alive; try again shortly.")
    with transaction.atomic():
        job, made = _open(row, node=target, requested_by=actor or "system")
        if made:
            event_record(
                kind=EventKind.OPERATE, model=model, version=row.version, node=target, reason="load", actor=actor
            )
    try:
        _send(job)
    except AltlasError as exc:
        job_abandon(job=job, code=exc.code, detail=exc.detail)  # as the caller is told: nothing was queued
        raise
    return job


def job_open(row: ModelVersion, *, node: str, requested_by: str) -> LoadJob:
    """Write down that ``requested_by`` wants ``row`` on ``node``, before the node is told: should it die, another one
    takes the load over."""
    return _open(row, node=node, requested_by=requested_by)[0]


def job_await(*, job: UUID, seconds: float) -> LoadJob:
    """Return the job when it has ended, or as it is after ``seconds``.

    Raises:
        JobNotFound: its version was deleted.
    """
    until = time.monotonic() + seconds
    while True:
        row = LoadJob.objects.filter(pk=job).first()
        if row is None:
            raise JobNotFound(f"There is no load job {job}.")
        if row.status not in OPEN or time.monotonic() >= until:
            return row
        time.sleep(_LOOK_SECONDS)


def job_abandon(*, job: LoadJob, code: str, detail: str) -> None:
    """End a job that its node has not begun; one that is under way, or that another node took over, is left to that."""
    mine = LoadJob.objects.filter(pk=job.pk, node=job.node, status=JobStatus.QUEUED, attempts=job.attempts)
    _settle(mine, status=JobStatus.FAILED, code=code, detail=detail)


def job_run(*, job: UUID | str) -> None:
    """Carry out a job on this node; a second delivery, or one for another node, does nothing more."""
    current = here.current()
    row = LoadJob.objects.select_related("version__model").filter(pk=job).first()
    if current is None or row is None or row.node != current.name or row.status not in OPEN:
        return
    if row.version.status == VersionStatus.RETIRED:
        jobs_retire(row.version)
        return
    now = clock.now()
    LoadJob.objects.filter(pk=row.pk, status=JobStatus.QUEUED).update(
        status=JobStatus.LOADING, started_at=now, owner_seen_at=now
    )
    if not LoadJob.objects.filter(pk=row.pk, status__in=OPEN).exists():
        return  # cancelled just now
    try:
        # A second delivery waits for the same load: the supervisor starts one process, however many ask.
        current.supervisor.load(spec_of(row.version), deadline=time.monotonic() + conf.load_seconds)
    except AltlasError as exc:
        key = Key(row.version.model.name, row.version.version)
        held = {
            Key(found["model"], found["version"]): found["state"] for found in current.supervisor.state()["replicas"]
        }
        if held.get(key) in ARRIVING:
            return  # it is granted more time the larger it is, and its end is written down by the node
        _settle(LoadJob.objects.filter(pk=row.pk), status=JobStatus.FAILED, code=exc.code, detail=exc.detail)
    else:
        _settle(LoadJob.objects.filter(pk=row.pk), status=JobStatus.READY)


def job_cancel(*, job: UUID | str, actor: str = "") -> LoadJob:
    """End a job that is open, and its load; one that has ended stays as it is.

    Raises:
        JobNotFound.
    """
    from orchestrator.services.operate import model_cancel

    row = LoadJob.objects.select_related("version__model").filter(pk=job).first()
    if row is None:
        raise JobNotFound(f"There is no load job {job}.")
    model, version, node = row.version.model.name, row.version.version, row.node
    if _settle(LoadJob.objects.filter(pk=row.pk), status=JobStatus.CANCELLED) and any(
        found["name"] == node for found in live_nodes(fresh=True)
    ):
        # A node that has just marked the job may be about to begin: what is not there yet cannot be ended.
        until = time.monotonic() + (_BEGINS_WITHIN if row.status == JobStatus.LOADING else 0.0)
        while not model_cancel(model=model, version=version, node=node, actor=actor)["replicas"]:
            if time.monotonic() >= until:
                break
            time.sleep(_LOOK_SECONDS / 2)
    row.refresh_from_db()
    return row


def jobs_retire(version: ModelVersion) -> int:
    """End the open jobs of a version that was retired; return how many."""
    found = LoadJob.objects.filter(version=version)
    return _settle(found, status=JobStatus.CANCELLED, code="version_retired", detail="The version was retired.")


def job_begun(*, model: str, version: str, node: str) -> None:
    """Write down that ``node`` loads a version, as a job of its own when nobody asked for one."""
    row = ModelVersion.objects.filter(model__name=model, version=version).first()
    if row is None:
        return
    with transaction.atomic():
        job, _made = _open(row, node=node, requested_by="")
        LoadJob.objects.filter(pk=job.pk, status=JobStatus.QUEUED).update(
            status=JobStatus.LOADING, started_at=clock.now(), owner_seen_at=clock.now()
        )


def job_ended(
    *, model: str, version: str, node: str, status: str = JobStatus.READY, code: str = "", detail: str = ""
) -> None:
    """Settle the open job of a version on ``node``: ready, failed or cancelled, with a ``code`` that says why."""
    found = LoadJob.objects.filter(version__model__name=model, version__version=version, node=node)
    _settle(found, status=status, code=code, detail=detail)


def jobs_reconcile(*, node: str, since: datetime, held: Mapping[Key, str]) -> None:
    """Make the open jobs of ``node`` say what is: called by the node itself, now and then.

    ``since`` is when the node started: what it had in hand before that has ended with the process it was then. ``held``
    are the states of what it holds now.
    """
    now = clock.now()
    for job in LoadJob.objects.filter(node=node, status__in=OPEN).select_related("version__model"):
        state = held.get(Key(job.version.model.name, job.version.version))
        mine = LoadJob.objects.filter(pk=job.pk, node=node, status=job.status)
        if state in ARRIVING:
            mine.update(owner_seen_at=now)
        elif (job.owner_seen_at or job.created_at) < since:
            _again(job, mine, node=node, detail="The node was restarted.")
        elif now - (job.started_at or job.created_at) < _SETTLED_AFTER:
            mine.update(owner_seen_at=now)  # what is under way is written down behind
        elif job.status == JobStatus.LOADING:
            ready = state == State.READY
            status = JobStatus.READY if ready else JobStatus.FAILED
            _settle(mine, status=status, code="" if ready else "interrupted", detail="" if ready else "It was lost.")
        elif now - (job.owner_seen_at or job.created_at) > _SENT_AGAIN_AFTER:  # its message was lost, perhaps
            mine.update(owner_seen_at=now)
            _send(job)


def jobs_take_over(*, alive: Collection[str]) -> int:
    """Give the jobs of nodes that died to another one, and end those that nobody asked for; return how many.

    Every node does this; the conditional update lets one of them win.
    """
    silent = clock.now() - max(timedelta(seconds=2 * conf.heartbeat_ttl), _SILENT_AFTER)
    lost = LoadJob.objects.filter(status__in=OPEN).exclude(node__in=alive).select_related("version__model")
    return sum(_take_over(job) for job in lost if (job.owner_seen_at or job.created_at) < silent)


def _take_over(job: LoadJob) -> bool:
    mine = LoadJob.objects.filter(pk=job.pk, node=job.node, status=job.status)
    nodes = [found for found in live_nodes() if not found.get("draining") and found["name"] != job.node]
    target = choose(nodes, model=job.version.model.name, version=job.version.version, now=time.time(), rng=_rng)
    return _again(job, mine, node=target, detail="The node died.")


def _again(job: LoadJob, mine: QuerySet[LoadJob], *, node: str | None, detail: str) -> bool:
    """Give a job that was lost to ``node``, or end it: when nobody asked for it, or it was lost too often, or its
    version was retired. While there is no node for it, it stays open for a time: its own is being started again."""
    if job.version.status == VersionStatus.RETIRED:
        return bool(jobs_retire(job.version))
    silent = clock.now() - (job.owner_seen_at or job.created_at)
    if job.requested_by and node is None and silent < _OPEN_WITHOUT_A_NODE:
        return False
    if job.requested_by and node is not None and job.attempts + 1 < _MOST_ATTEMPTS:
        try:
            with transaction.atomic():
                taken = mine.update(
                    status=JobStatus.QUEUED,
                    node=node,
                    attempts=job.attempts + 1,
                    started_at=None,
                    owner_seen_at=clock.now(),
                )
        except IntegrityError:
            taken = 0  # the other node has a job for it already: this one has nothing left to do
        if taken:
            logger.warning("the load of %s on %s was lost; %s takes it over", job.version, job.node, node)
            job.node = node
            _send(job)
            return True
    return bool(_settle(mine, status=JobStatus.FAILED, code="node_unavailable", detail=detail))


def _open(version: ModelVersion, *, node: str, requested_by: str) -> tuple[LoadJob, bool]:
    known = LoadJob.objects.filter(version=version, node=node, status__in=OPEN).first()
    if known is not None:
        if requested_by and not known.requested_by:  # a request's load that somebody asks for by name now
            LoadJob.objects.filter(pk=known.pk).update(requested_by=requested_by)
        return known, False
    try:
        with transaction.atomic():
            made = LoadJob.objects.create(
                version=version, node=node, requested_by=requested_by, request_id=current_request_id()
            )
    except IntegrityError:
        return LoadJob.objects.filter(version=version, node=node, status__in=OPEN).latest("created_at"), False
    return made, True


def _settle(jobs: Any, *, status: str, code: str = "", detail: str = "") -> int:
    count: int = (
        jobs.filter(status__in=OPEN)
        .exclude(status=status)
        .update(status=status, error_code=code, error_detail=detail, finished_at=clock.now())
    )
    return count


def _send(job: LoadJob) -> None:
    enqueue("orchestrator.load_job", kwargs={"job": str(job.pk)}, queue=f"altlas.node.{job.node}")
