"""Reply channels: how a waiting web thread hears from a node.

A reply is pushed to a Redis list that only the waiter reads and that expires by itself. It is a notification with a
payload, never the truth: what must survive is a row in PostgreSQL. This costs one round trip on either side, against
a result row, a subscription and polling of a Celery result backend.
"""

from __future__ import annotations

from typing import Any

import msgpack
import redis
from redis.client import Pipeline

from altlas.kernel.errors import Unavailable
from altlas.kernel.ids import uuid7
from altlas.kernel.redis import client

_PREFIX = "altlas:reply:"


def new_reply_id() -> str:
    return uuid7().hex


def send(reply_id: str, payload: dict[str, Any], *, ttl: int = 60) -> None:
    """Deliver ``payload`` (msgpack types; bytes allowed) to whoever waits on ``reply_id`` within ``ttl`` seconds.

    Raises:
        redis.RedisError: the reply could not be delivered; the waiter will run into its deadline.
    """
    key = _PREFIX + reply_id
    with client("broker").pipeline(transaction=False) as pipe:
        pipe.rpush(key, msgpack.packb(payload, use_bin_type=True))
        pipe.expire(key, ttl)
        pipe.execute()


def await_in(pipe: Pipeline, reply_id: str, *, timeout: float) -> None:
    """Have ``pipe`` wait up to ``timeout`` seconds for the reply as its last command; ``unpacked`` reads the result."""
    pipe.blpop([_PREFIX + reply_id], timeout=timeout)


def unpacked(found: Any) -> dict[str, Any] | None:
    """Return the reply in what Redis answered; None when none came in time."""
    if found is None:
        return None
    reply: dict[str, Any] = msgpack.unpackb(found[1], raw=False)
    return reply


def receive(reply_id: str, *, timeout: float) -> dict[str, Any] | None:
    """Wait up to ``timeout`` seconds for a reply; None when none came.

    Raises:
        Unavailable: Redis cannot be reached.
    """
    connection = client("broker")
    try:
        # The socket's own timeout is shorter than a long wait: wait in slices below it.
        remaining = timeout
        step = connection.connection_pool.connection_kwargs["socket_timeout"] * 0.8
        while remaining > 0:
            wait = min(step, remaining)
            reply = unpacked(connection.blpop([_PREFIX + reply_id], timeout=wait))
            if reply is not None:
                return reply
            remaining -= wait
        return None
    except redis.RedisError as exc:
        raise Unavailable("The message broker cannot be reached; try again shortly.") from exc
