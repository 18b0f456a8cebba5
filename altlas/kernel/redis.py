"""Redis clients by role.

PostgreSQL is the truth, Redis may vanish: every caller decides, in one place, what happens on ``redis.RedisError``
(see docs/operations.md). Timeouts are short, so that a hung Redis costs a bounded wait.
"""

from __future__ import annotations

from typing import Literal

import redis
from django.conf import settings

from altlas.kernel.once import Once

Role = Literal["broker", "cache", "security", "live"]


@Once
def client(role: Role) -> redis.Redis:
    """Return this process's client for ``role``; values are bytes.

    ``broker`` carries tasks and replies and what is counted with them, ``cache`` may be emptied at any time,
    ``security`` must never evict, ``live`` holds heartbeats and cluster state.
    """
    return redis.Redis.from_url(
        settings.REDIS_URLS[role],
        socket_timeout=settings.REDIS_SOCKET_TIMEOUT,
        socket_connect_timeout=settings.REDIS_SOCKET_TIMEOUT,
        max_connections=settings.REDIS_MAX_CONNECTIONS,
    )
