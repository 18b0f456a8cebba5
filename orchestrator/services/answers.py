"""Answering a caller that waits on a reply channel: with the result, or with the error as code and detail."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
from django.db import close_old_connections
from redis.client import Pipeline

from altlas.kernel import problems, replies
from orchestrator import exceptions, statistics
from orchestrator.services.infer import infer_here

logger = logging.getLogger(__name__)


def answer(reply_id: str, work: Callable[[], dict[str, Any]], *, counted: int = 0) -> None:
    """Send what ``work`` returns or raises; ``counted`` inputs of an inference go into the version's statistics."""
    before: Callable[[Pipeline], object] | None = None
    try:
        reply = work()
        if counted:
            before = partial(statistics.succeeded, answer=reply, inputs=counted)
    except Exception as exc:  # whatever it is, the caller waits for it
        error = problems.translate(exc)
        if error is None:
            logger.exception("a model request met a defect")
            error = exceptions.InferenceFailed("Something went wrong on the node; see its log.")
        reply = {"error": exceptions.to_wire(error)}
    try:
        replies.send(reply_id, reply, before=before)
    except redis.RedisError:
        logger.warning("an answer could not be delivered; its reader runs into its deadline")


def serve(request: dict[str, Any]) -> None:
    """Answer one request of the direct lane."""
    seconds = request["until"] - time.time()
    try:
        answer(
            request["reply_id"],
            lambda: infer_here(
                model=request["model"],
                version=request["version"],
                task=request["task"],
                inputs=request["inputs"],
                params=request["params"],
                until=time.monotonic() + seconds,
                trace=request.get("trace"),
            ),
            counted=len(request["inputs"]) if request.get("counted") else 0,
        )
    finally:
        close_old_connections()
