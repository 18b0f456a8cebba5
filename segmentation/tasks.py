"""Celery tasks of segmentation."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from segmentation import services
from segmentation.execution import run_execute


@shared_task(name="segmentation.execute")
def execute(run_id: str, reply_id: str = "") -> None:
    """Do one run. Errors of texts end up in rows, so there is nothing for Celery to retry: a run whose node or
    message is lost is sent again by ``segmentation.sweep``."""
    run_execute(run_id=UUID(run_id), reply_id=reply_id)


@shared_task(name="segmentation.sweep")
def sweep() -> None:
    services.runs_sweep()
