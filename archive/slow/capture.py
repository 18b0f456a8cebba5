"""Catching slow statements: two readings of the clock around each one, and something to do only when it was slow.

What is caught waits in a bounded table of this process and is written after a response has left, or at the end of a
task, at most every few seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from archive.conf import conf
from archive.metrics import ROUTE, SLOW_DROPPED, SLOW_QUERIES
from archive.slow import fingerprint, histogram

logger = logging.getLogger(__name__)
_OWN: ContextVar[bool] = ContextVar("archive_slow_own", default=False)
_QUERY_CANCELED = "57014"
_MOST = 200


@dataclass(kw_only=True, slots=True)
class Observation:
    """What happened to one statement of one route since it was last written down."""

    statement: str
    planner: dict[str, str]
    types: list[str]
    count: int = 0
    timeouts: int = 0
    total: float = 0.0
    longest: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * histogram.BUCKETS)

    def add(self, milliseconds: float, *, timed_out: bool) -> None:
        self.count += 1
        self.timeouts += timed_out
        self.total += milliseconds
        self.longest = max(self.longest, milliseconds)
        self.counts[histogram.bucket(milliseconds)] += 1


_lock = threading.Lock()
_seen: dict[tuple[str, str], Observation] = {}
_written_at = 0.0


def watch(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Django's execute wrapper: run the statement and remember it when it was slow."""
    begin = perf_counter()
    try:
        result = execute(sql, params, many, context)
    except DatabaseError as exc:
        _consider(sql, params, perf_counter() - begin, getattr(exc.__cause__, "sqlstate", None) == _QUERY_CANCELED)
        raise
    seconds = perf_counter() - begin
    if seconds >= conf.slow_after:
        _consider(sql, params, seconds, False)
    return result


def attach(connection: Any, **_: Any) -> None:
    """Watch a new connection (receiver of ``connection_created``)."""
    if conf.slow_after and watch not in connection.execute_wrappers:
        connection.execute_wrappers.append(watch)


def drain() -> dict[tuple[str, str], Observation]:
    """Return what was caught, by fingerprint and route, and begin anew."""
    global _written_at
    with _lock:
        _written_at = monotonic()
        found = dict(_seen)
        _seen.clear()
    return found


def flush(**_: Any) -> None:
    """Write down what was caught, if that is due (receiver of ``request_finished`` and ``task_postrun``)."""
    if not _seen or monotonic() - _written_at < conf.slow_write_every:
        return
    from archive.slow import book  # needs the models, which are ready only later than this module

    token = _OWN.set(True)
    try:
        book.write(drain())
    except (DatabaseError, InterfaceError) as exc:
        # The database is what is slow: losing the note about it is better than failing too.
        SLOW_DROPPED.inc()
        logger.warning("slow queries could not be written down: %s", exc)
    finally:
        _OWN.reset(token)
        # Django has given this thread's connection back before it calls us; so must we.
        if not connection.in_atomic_block:
            connection.close()


def _consider(sql: Any, params: Any, seconds: float, timed_out: bool) -> None:
    if not conf.slow_after or _OWN.get() or (seconds < conf.slow_after and not timed_out):
        return
    text = fingerprint.statement(str(sql))
    route = ROUTE.get()
    SLOW_QUERIES.labels(route).inc()
    key = (fingerprint.fingerprint(text), route)
    with _lock:
        known = _seen.get(key)
        if known is None:
            if len(_seen) >= _MOST:
                SLOW_DROPPED.inc()
                return
            known = _seen[key] = Observation(
                statement=text, planner=fingerprint.planner(str(sql)), types=fingerprint.types(params)
            )
        known.add(seconds * 1000, timed_out=timed_out)
