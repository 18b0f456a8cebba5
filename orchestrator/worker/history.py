"""The last hour of a node, for the live page's charts: one small sample every ten seconds, in Redis alone."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import redis

from altlas.kernel.redis import client
from orchestrator.selectors.cluster import HISTORY, HISTORY_SAMPLES, HISTORY_SECONDS

_kept_at = 0.0


def keep(node: str, state: dict[str, Any]) -> None:
    """Add a sample from a heartbeat's report when one is due; without Redis there is no chart, and no harm."""
    global _kept_at
    now = time.monotonic()
    if now - _kept_at < HISTORY_SECONDS:
        return
    _kept_at = now
    sample = {
        "at": int(state["at"]),
        "used": state["used_bytes"],
        "hits": state["hits"],
        "misses": state["misses"],
        "loads": state["loads"],
    }
    with suppress(redis.RedisError), client("live").pipeline(transaction=False) as pipe:
        pipe.rpush(HISTORY + node, json.dumps(sample))
        pipe.ltrim(HISTORY + node, -HISTORY_SAMPLES, -1)
        pipe.expire(HISTORY + node, int(HISTORY_SECONDS * HISTORY_SAMPLES))
        pipe.execute()
