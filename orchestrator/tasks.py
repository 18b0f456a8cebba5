"""Doors for tasks: each answers over a reply channel, also when it fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import redis
from celery import shared_task

from altlas.kernel import problems, replies
from orchestrator import exceptions
from orchestrator.services.infer import infer_here
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
) -> None:
    """At most once: somebody waits for the answer now, and a second delivery would have no reader."""
    seconds = until - time.time()
    if seconds <= 0:
        return
    _answer(
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
    _answer(reply_id, lambda: order_here(verb=verb, model=model, version=version, until=time.monotonic() + seconds))


def _answer(reply_id: str, work: Callable[[], dict[str, Any]]) -> None:
    try:
        reply = work()
    except Exception as exc:  # whatever it is, the caller waits for it
        error = problems.translate(exc)
        if error is None:
            logger.exception("a model request met a defect")
            error = exceptions.InferenceFailed("Something went wrong on the node; see its log.")
        reply = {"error": exceptions.to_wire(error)}
    try:
        replies.send(reply_id, reply)
    except redis.RedisError:
        logger.warning("an answer could not be delivered; its reader runs into its deadline")
