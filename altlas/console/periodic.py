"""Celery tasks of the console."""

from __future__ import annotations

from celery import shared_task

from altlas.console.sampling import samples_take


@shared_task(name="altlas.samples_take", soft_time_limit=50, time_limit=60)
def take() -> None:
    """Keep one sample of each series. A second one in the same minute does no harm."""
    samples_take()
