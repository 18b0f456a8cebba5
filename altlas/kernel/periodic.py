"""Celery tasks of the kernel; their schedules are rows that operators may edit."""

from __future__ import annotations

from celery import shared_task

from altlas.kernel.alerting.evaluation import alerts_evaluate
from altlas.kernel.alerting.services import SEND, alerts_purge
from altlas.kernel.alerting.telling import alerts_send
from altlas.kernel.ledger.writing import ledger_purge


@shared_task(name="altlas.alerts_evaluate", soft_time_limit=50, time_limit=60)
def evaluate() -> None:
    """Ask the probes of the alert rules. Repeating it does no harm."""
    alerts_evaluate()


@shared_task(name=SEND, soft_time_limit=60, time_limit=90)
def send() -> None:
    """Tell people of alerts. Repeating it does no harm."""
    alerts_send()


@shared_task(name="altlas.kernel_purge", soft_time_limit=600, time_limit=900)
def purge() -> None:
    """Delete what is older than the settings keep. Repeating it does no harm."""
    alerts_purge()
    ledger_purge()
