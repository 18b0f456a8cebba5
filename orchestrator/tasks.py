"""Doors for tasks: each answers over a reply channel, also when it fails."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery import shared_task

from altlas.kernel.errors import AltlasError
from orchestrator import services
from orchestrator.lane import shared_time
from orchestrator.services.answers import answer
from orchestrator.services.infer import infer_here
from orchestrator.services.jobs import job_run
from orchestrator.services.operate import order_here

logger = logging.getLogger(__name__)


@shared_task(name="orchestrator.infer", acks_late=False)
def infer(
    *,
    reply_id: str,
    model: str,
    version: str | None,
    task: str | None,
    inputs: list[Any],
    params: dict[str, Any],
    until: float,
    counted: bool = False,
) -> None:
    """At most once: somebody waits for the answer now, and a second delivery would have no reader.

    ``until`` by Redis' clock, here and below.
    """
    deadline = shared_time.monotonic(until)
    if deadline <= time.monotonic():
        return
    answer(
        reply_id,
        lambda: infer_here(
            model=model,
            version=version,
            task=task,
            inputs=inputs,
            params=params,
            until=deadline,
            counted=counted,
        ),
        counted=len(inputs) if counted else 0,
    )


@shared_task(name="orchestrator.variant_export", time_limit=1000)
def variant_export(*, model: str, version: str, runtime: str, actor: str) -> None:
    """Compile a version on this node; delivered twice it is compiled twice, to the same end."""
    try:
        services.variant_export(model=model, version=version, runtime=runtime, actor=actor)
    except AltlasError as exc:
        logger.warning("no %s variant of %s:%s: %s", runtime, model, version, exc.detail)


@shared_task(name="orchestrator.order", acks_late=False)
def order(*, reply_id: str, verb: str, model: str, version: str | None, until: float) -> None:
    """Load on this node, or take a census of it; a second delivery finds it done."""
    deadline = shared_time.monotonic(until)
    if deadline <= time.monotonic():
        return
    answer(reply_id, lambda: order_here(verb=verb, model=model, version=version, until=deadline))


@shared_task(name="orchestrator.load_job", acks_late=True)
def load_job(*, job: str) -> None:
    """Carry out a load job; the row, not the task, decides whether there is anything to do."""
    job_run(job=job)
