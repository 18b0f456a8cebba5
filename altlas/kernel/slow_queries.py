"""Statements that took long: counted, logged, and the latest of them kept in Redis for the console.

The text has placeholders, never values, so nothing of a user's data or secrets is kept.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import redis
from django.db.backends.signals import connection_created

from altlas.kernel import metrics, request_id
from altlas.kernel.ledger.conf import conf
from altlas.kernel.redis import client

logger = logging.getLogger(__name__)
_KEY = "altlas:slow-queries"
_KEPT = 50


def watch(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Execute wrapper of every connection."""
    begun = time.perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        took = time.perf_counter() - begun
        if conf.slow_query_ms and took * 1000 >= conf.slow_query_ms:
            _note(str(sql), took)


def _note(sql: str, took: float) -> None:
    metrics.slow_queries.inc()
    text = " ".join(sql.split())[:500]
    logger.warning("slow statement, %.2f s: %s", took, text)
    entry = {"at": time.time(), "seconds": round(took, 3), "sql": text, "request_id": request_id.current_request_id()}
    try:
        with client("live").pipeline(transaction=False) as pipe:
            pipe.lpush(_KEY, json.dumps(entry))
            pipe.ltrim(_KEY, 0, _KEPT - 1)
            pipe.execute()
    except Exception:
        # Whatever it is: the log and the metric have it, and a note must never take a statement's place.
        return


def latest(count: int = 10) -> list[dict[str, Any]]:
    """Return the latest slow statements, newest first; empty when Redis is away."""
    try:
        return [json.loads(entry) for entry in client("live").lrange(_KEY, 0, count - 1)]
    except redis.RedisError:
        return []


def install() -> None:
    connection_created.connect(_attach, dispatch_uid="altlas.slow_queries")


def _attach(connection: Any, **_: Any) -> None:
    if watch not in connection.execute_wrappers:
        connection.execute_wrappers.append(watch)
