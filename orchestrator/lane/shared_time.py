"""The time by Redis' clock, which all machines of an installation know: their own may differ by a deadline."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Final

import redis

from altlas.kernel.redis import client

_KEPT_SECONDS: Final = 30.0  # a clock that is set meanwhile is followed no later than this
_measured: tuple[float, float] | None = None  # when, by the monotonic clock, and by how much Redis was ahead of that


def now() -> float:
    """Return Unix seconds by Redis' clock, asked twice a minute; without Redis, as it was known last."""
    global _measured
    begun = time.monotonic()
    if _measured is None or begun - _measured[0] > _KEPT_SECONDS:
        with suppress(redis.RedisError):
            seconds, micros = client("broker").time()
            ended = time.monotonic()
            _measured = ended, seconds + micros / 1e6 - (begun + ended) / 2
    ahead = time.time() - begun if _measured is None else _measured[1]
    return time.monotonic() + ahead


def monotonic(moment: float) -> float:
    """Return a moment by Redis' clock as one by this process' monotonic clock."""
    return time.monotonic() + moment - now()
