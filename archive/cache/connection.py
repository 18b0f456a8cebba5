"""The cache's Redis, which may vanish: after a failure it is left alone for a while, and answers are made anew."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis

from altlas.kernel.redis import client
from archive.conf import conf
from archive.metrics import CACHE_FAILURES

logger = logging.getLogger(__name__)
T = TypeVar("T")
_lock = threading.Lock()
_blocked_until = 0.0


def usable() -> bool:
    return conf.cache_enabled and time.monotonic() >= _blocked_until


def reachable() -> bool:
    """Whether Redis may be asked, be the cache switched on or not."""
    return time.monotonic() >= _blocked_until


def attempt(call: Callable[[Any], T]) -> T | None:
    """Return what ``call`` gets from Redis; None, and a pause for everybody in this process, when Redis fails."""
    global _blocked_until
    try:
        return call(client("cache"))
    except redis.RedisError as exc:
        CACHE_FAILURES.inc()
        with _lock:
            announce = time.monotonic() >= _blocked_until
            _blocked_until = time.monotonic() + conf.cache_pause
        if announce:
            logger.warning("cache is away, answers are made anew for %s s: %s", conf.cache_pause, exc)
        return None


def resume() -> None:
    """Use Redis again at once."""
    global _blocked_until
    _blocked_until = 0.0
