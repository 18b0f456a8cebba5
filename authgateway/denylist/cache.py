"""The denylist in Redis.

Keys expire with the last token they refuse. A sentinel tells a filled database from one that was flushed or restarted
empty: where it is missing, the entries are loaded from PostgreSQL again. Eviction must be off (a readiness check).
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
from collections.abc import Iterable
from datetime import datetime

import redis
from django.conf import settings
from django.db import DatabaseError, transaction

from altlas.kernel.clock import now
from altlas.kernel.once import Once
from authgateway import metrics
from authgateway.conf import conf
from authgateway.denylist import recent
from authgateway.denylist.breaker import Breaker
from authgateway.models import Denial, SecurityEvent
from authgateway.services.security_events import event_record

logger = logging.getLogger(__name__)

_PREFIX = "altlas:deny:"
_SENTINEL = _PREFIX + "sentinel"
_LOADING = _PREFIX + "loading:"
_BATCH = 1000
# Sets the sentinel only if nothing was flushed since loading began: the marker set before the first read is there.
_SEAL = "if redis.call('DEL', KEYS[1]) == 1 then redis.call('SET', KEYS[2], ARGV[1]) return 1 end return 0"

breaker = Breaker(failures=conf.breaker_failures, seconds=conf.breaker_seconds)
_rehydrating = threading.Lock()


class Away(Exception):
    """Redis did not answer in time, or is left alone by the breaker."""


@Once
def connection() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URLS["security"],
        socket_timeout=conf.denylist_timeout,
        socket_connect_timeout=conf.denylist_timeout,
        max_connections=settings.REDIS_MAX_CONNECTIONS,
        retry=None,
    )


def key(kind: str, value: str) -> str:
    return f"{_PREFIX}{kind}:{value}"


def denies(*, sid: str, jti: str) -> bool:
    """Whether Redis holds a denial. False may also mean that Redis was emptied; loading it again has then begun.

    Raises:
        Away: no answer from Redis.
    """
    if not breaker.allows():
        raise Away
    try:
        sentinel, by_sid, by_jti = connection().mget([_SENTINEL, key(Denial.Kind.SID, sid), key(Denial.Kind.JTI, jti)])
    except redis.RedisError as exc:
        failed(exc)
        raise Away from exc
    breaker.succeeded()
    if sentinel is None:
        rehydrate()
    return by_sid is not None or by_jti is not None


def failed(exc: redis.RedisError) -> None:
    """Tell the breaker; when that opens it, tell the operators."""
    if not breaker.failed():
        return
    logger.error("denylist in Redis does not answer, the database decides: %s", exc)
    with contextlib.suppress(DatabaseError), transaction.atomic():
        event_record(
            kind="denylist_degraded",
            severity=SecurityEvent.Severity.HIGH,
            detail={"cause": type(exc).__name__},
            aggregate="",
        )


def put(entries: Iterable[tuple[str, str, datetime]]) -> None:
    """Write (kind, value, expiry) to Redis. Failure is logged only: the rows are committed already."""
    recent.forget()
    if not breaker.allows():
        return
    try:
        with connection().pipeline(transaction=False) as pipe:
            for kind, value, expires_at in entries:
                pipe.set(key(kind, value), b"1", pxat=int(expires_at.timestamp() * 1000) + 1000)
            pipe.execute()
    except redis.RedisError as exc:
        failed(exc)
        logger.warning("denylist entry not written to Redis, the database refuses instead: %s", exc)


def remove(kind: str, value: str) -> None:
    try:
        connection().delete(key(kind, value))
    except redis.RedisError as exc:
        logger.warning("denylist entry not removed from Redis, it expires by itself: %s", exc)


def rehydrate() -> bool:
    """Load every live denial from PostgreSQL into an emptied Redis. One thread of a process at a time."""
    if not _rehydrating.acquire(blocking=False):
        return False
    try:
        marker = _LOADING + secrets.token_hex(8)
        redis_connection = connection()
        redis_connection.set(marker, b"1", ex=60)
        count = 0
        batch: list[tuple[str, str, datetime]] = []
        rows = Denial.objects.filter(expires_at__gt=now()).values_list("kind", "value", "expires_at")
        for row in rows.iterator(chunk_size=_BATCH):
            batch.append(row)
            count += 1
            if len(batch) >= _BATCH:
                put(batch)
                batch = []
        put(batch)
        sealed = bool(redis_connection.eval(_SEAL, 2, marker, _SENTINEL, now().isoformat()))
        metrics.denylist_rehydrated.inc()
        logger.warning("denylist in Redis was empty; loaded %d entries from the database", count)
        return sealed
    except redis.RedisError as exc:
        logger.warning("denylist could not be loaded into Redis: %s", exc)
        return False
    finally:
        _rehydrating.release()


def check_eviction() -> None:
    """Readiness: a Redis that evicts would forget denials before they expire.

    Raises:
        RuntimeError: it may evict.
    """
    try:
        policy = connection().info("memory").get("maxmemory_policy", "noeviction")
    except redis.RedisError:
        return  # its absence is told by the check of Redis itself, and the database decides meanwhile
    if policy != "noeviction":
        raise RuntimeError(f"the denylist's Redis evicts ({policy}); set maxmemory-policy noeviction")
