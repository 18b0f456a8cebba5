"""Counting in Redis with one atomic script, in PostgreSQL with one statement per key when Redis is away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import redis
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from altlas.kernel.clock import now
from authgateway.denylist import cache
from authgateway.models import Attempts
from authgateway.throttle.limits import Limit, Verdict

_PREFIX = "altlas:attempts:"
# All or nothing: an attempt that one limit refuses is counted by none, so a lock ends with its window however
# stubbornly it is tried.
_TAKE = """
local blocked, which = 0, 0
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[2 * i - 1]) then
    local left = redis.call('PTTL', key)
    if left > blocked then blocked, which = left, i end
  end
end
if which > 0 then return {which, blocked} end
for i, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('PEXPIRE', key, ARGV[2 * i]) end
end
return {0, 0}
"""
_GIVE_BACK = """
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
end
"""
_UPSERT = """
INSERT INTO authgateway_attempts AS a (key, count, expires_at) VALUES (%(key)s, 1, %(end)s)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN a.expires_at <= %(now)s THEN 1 ELSE LEAST(a.count, %(most)s) + 1 END,
    expires_at = CASE WHEN a.expires_at <= %(now)s THEN %(end)s ELSE a.expires_at END
RETURNING count, expires_at
"""


def take(limits: Sequence[Limit]) -> Verdict:
    """Count an attempt under every one of ``limits``, or under none when one is reached."""
    arguments = [value for limit in limits for value in (limit.most, limit.seconds * 1000)]
    answer = _script(_TAKE, limits, arguments)
    if answer is None:
        return _take_in_database(limits)
    which, milliseconds = answer
    return Verdict(blocked_by=limits[which - 1], retry_after=milliseconds / 1000) if which else Verdict()


def give_back(limits: Sequence[Limit]) -> None:
    """Take back the count of an attempt that was not a failure."""
    if _script(_GIVE_BACK, limits, [], none=[0]) is None:
        Attempts.objects.filter(key__in=[limit.key for limit in limits]).update(count=Greatest(F("count") - 1, 0))


def forget(limit: Limit) -> None:
    """Forget every attempt under ``limit``."""
    Attempts.objects.filter(key=limit.key).delete()
    try:
        if cache.breaker.allows():
            cache.connection().delete(_PREFIX + limit.key)
    except redis.RedisError as exc:
        cache.failed(exc)


def forget_account(account: str) -> None:
    """Forget every attempt at ``account``, given by its hash, from whatever network."""
    Attempts.objects.filter(key__in=[f"login:account:{account}"]).delete()
    Attempts.objects.filter(key__startswith=f"login:pair:{account}:").delete()
    if not cache.breaker.allows():
        return
    try:
        redis_connection = cache.connection()
        pairs = list(redis_connection.scan_iter(match=f"{_PREFIX}login:pair:{account}:*", count=1000))
        redis_connection.delete(f"{_PREFIX}login:account:{account}", *pairs)
    except redis.RedisError as exc:
        cache.failed(exc)


def _script(
    script: str, limits: Sequence[Limit], arguments: Sequence[int], none: list[int] | None = None
) -> list[int] | None:
    if not cache.breaker.allows():
        return None
    try:
        answer = cache.connection().eval(script, len(limits), *(_PREFIX + limit.key for limit in limits), *arguments)
    except redis.RedisError as exc:
        cache.failed(exc)
        return None
    cache.breaker.succeeded()
    return none if answer is None else [int(item) for item in answer]


def _take_in_database(limits: Sequence[Limit]) -> Verdict:
    moment = now()
    worst = Verdict()
    with transaction.atomic(), connection.cursor() as cursor:
        for limit in sorted(limits, key=lambda item: item.key):  # one order for all: no deadlocks
            end = moment + timedelta(seconds=limit.seconds)
            cursor.execute(_UPSERT, {"key": limit.key, "most": limit.most, "now": moment, "end": end})
            count, expires_at = cursor.fetchone()
            left = (expires_at - moment).total_seconds()
            if count > limit.most and left > worst.retry_after:
                worst = Verdict(blocked_by=limit, retry_after=left)
        if worst.blocked_by is not None:
            transaction.set_rollback(True)  # counted by none
    return worst
