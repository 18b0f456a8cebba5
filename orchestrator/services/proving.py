"""Versions that an update is trying out: a load on one node proves nothing while the others are still to come.

Kept in Redis, because the nodes write down that a version works and the process that runs the update decides what that
means. A mark outlives its update for a moment, for nodes that write behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from altlas.kernel.errors import Unavailable
from altlas.kernel.redis import client

_PREFIX = "altlas:proving:"
_MOST_SECONDS = 3600
_AFTER_SECONDS = 30


@contextmanager
def proving(*, model: str, version: str) -> Iterator[None]:
    """Keep the version from being taken for proved inside the block, and a moment longer when it is left by an error.

    Raises:
        Unavailable: Redis cannot be reached.
    """
    name = f"{_PREFIX}{model}:{version}"
    try:
        client("live").set(name, 1, ex=_MOST_SECONDS)
        try:
            yield
        except BaseException:
            client("live").expire(name, _AFTER_SECONDS)
            raise
        client("live").delete(name)
    except redis.RedisError as exc:
        raise Unavailable("Redis cannot be reached; try again shortly.") from exc


def being_proved(*, model: str, version: str) -> bool:
    try:
        return bool(client("live").exists(f"{_PREFIX}{model}:{version}"))
    except redis.RedisError:
        return False  # a version that has loaded works, as far as anybody can tell now
