"""Doors for workers; each may be delivered twice or late without harm: the rows decide."""

from __future__ import annotations

import logging

from celery import shared_task

from altlas.coordination import execution
from altlas.coordination.models import Trigger
from altlas.coordination.services import daily, rollouts, runs
from altlas.kernel.verification import Load

logger = logging.getLogger(__name__)


@shared_task(name="coordination.drain")
def drain() -> None:
    """Do the runs that wait, one after the other. Returns at once while another process does."""
    while (run := runs.run_claim()) is not None:
        ended = execution.run_execute(run=run)
        logger.info("verification %s at %s load: %s", ended.name, ended.load, ended.status)


@shared_task(name="coordination.tend")
def tend() -> None:
    runs.runs_tend()


@shared_task(name="coordination.verify_all")
def verify_all() -> None:
    runs.runs_queue(wanted=runs.chosen(load=Load.LOW), trigger=Trigger.SCHEDULE)


@shared_task(name="coordination.watch")
def watch() -> None:
    rollouts.rollouts_watch()


@shared_task(name="coordination.daily", soft_time_limit=120, time_limit=180)
def daily_run() -> None:
    daily.daily_run()
