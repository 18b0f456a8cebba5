"""Doors for tasks: each answers over a reply channel, also when it fails."""

from __future__ import annotations

import time
from typing import Any

from celery import shared_task

from orchestrator.services.answers import answer
from orchestrator.services.infer import infer_here
from orchestrator.services.memory import memory_alerts_tell
from orchestrator.services.operate import order_here


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
) -> None:
    """At most once: somebody waits for the answer now, and a second delivery would have no reader."""
    seconds = until - time.time()
    if seconds <= 0:
        return
    answer(
        reply_id,
        lambda: infer_here(
            model=model, version=version, task=task, inputs=inputs, params=params, until=time.monotonic() + seconds
        ),
    )


@shared_task(name="orchestrator.order", acks_late=False)
def order(*, reply_id: str, verb: str, model: str, version: str | None, until: float) -> None:
    """Load or unload on this node; a second delivery finds it done."""
    seconds = until - time.time()
    if seconds <= 0:
        return
    answer(reply_id, lambda: order_here(verb=verb, model=model, version=version, until=time.monotonic() + seconds))


@shared_task(name="orchestrator.memory_alerts", soft_time_limit=60, time_limit=90)
def memory_alerts() -> None:
    """Tell operators of memory alerts that they have not been told of. Repeating it does no harm."""
    memory_alerts_tell()
