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


def result_of(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what ``work`` returns, or what it raises as code and detail."""
    try:
        return work()
    except Exception as exc:  # whatever it is, the caller waits for it
        error = problems.translate(exc)
        if error is None:
            logger.exception("a model request met a defect")
            error = exceptions.InferenceFailed("Something went wrong on the node; see its log.")
        return {"error": exceptions.to_wire(error)}


def answer(reply_id: str, work: Callable[[], dict[str, Any]], *, counted: int = 0) -> None:
    """Send what ``work`` returns or raises; ``counted`` inputs of an inference go into the version's statistics."""
    reply = result_of(work)
    before: Callable[[Pipeline], object] | None = None
    if counted and "error" not in reply:
        before = partial(statistics.succeeded, counts=[statistics.Counts.of(reply, inputs=counted)])
    try:
        replies.send(reply_id, reply, before=before)
    except redis.RedisError:
        logger.warning("an answer could not be delivered; its reader runs into its deadline")


def serve(request: dict[str, Any]) -> None:
    """Answer one request from the node's list."""
    try:
        answer(request["reply_id"], partial(_infer, request), counted=_counted(request))
    finally:
        close_old_connections()


def serve_here(request: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
    """Answer one request that came through the node's door; it is counted after the answer is on its way."""
    try:
        reply = result_of(partial(_infer, request))
        send(reply)
        if (inputs := _counted(request)) and "error" not in reply:
            statistics.count(statistics.Counts.of(reply, inputs=inputs))
    finally:
        close_old_connections()


def _infer(request: dict[str, Any]) -> dict[str, Any]:
    return infer_here(
        model=request["model"],
        version=request["version"],
        task=request["task"],
        inputs=request["inputs"],
        params=request["params"],
        until=time.monotonic() + request["until"] - time.time(),
        trace=request.get("trace"),
    )


def _counted(request: dict[str, Any]) -> int:
    return len(request["inputs"]) if request.get("counted") else 0
