"""Answering a caller that waits on a reply channel: with the result, or with the error as code and detail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import redis
from django.db import close_old_connections

from altlas.kernel import problems, replies
from orchestrator import exceptions, statistics
from orchestrator.services.infer import infer_here
from orchestrator.services.operate import order_here

logger = logging.getLogger(__name__)


def _result_of(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
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
    _answer(partial(_reply, reply_id), work, counted=counted)


def serve(request: dict[str, Any]) -> None:
    """Answer one request from the node's list."""
    serve_here(request, partial(_reply, request["reply_id"]))


def serve_order(request: dict[str, Any]) -> None:
    """Carry out one order from the list of what the node is to do at once, and answer it."""
    try:
        answer(
            request["reply_id"],
            lambda: order_here(
                verb=request["verb"], model=request["model"], version=request["version"], until=request["until"]
            ),
        )
    finally:
        close_old_connections()


def serve_here(request: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> None:
    """Answer one request by ``send``, which is the door's; its ``until`` is by the monotonic clock."""
    try:
        _answer(send, partial(_infer, request), counted=len(request["inputs"]) if request.get("counted") else 0)
    finally:
        close_old_connections()


def _answer(send: Callable[[dict[str, Any]], None], work: Callable[[], dict[str, Any]], *, counted: int) -> None:
    reply = _result_of(work)
    send(reply)
    if counted and "error" not in reply:  # when the answer is on its way: nobody waits for it
        statistics.count(statistics.Counts.of(reply, inputs=counted))


def _reply(reply_id: str, reply: dict[str, Any]) -> None:
    try:
        replies.send(reply_id, reply)
    except redis.RedisError:
        logger.warning("an answer could not be delivered; its reader runs into its deadline")


def _infer(request: dict[str, Any]) -> dict[str, Any]:
    return infer_here(
        model=request["model"],
        version=request["version"],
        task=request["task"],
        inputs=request["inputs"],
        params=request["params"],
        until=request["until"],
        trace=request.get("trace"),
        counted=bool(request.get("counted")),
    )
