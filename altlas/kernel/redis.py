"""Redis clients by role.

PostgreSQL is the truth, Redis may vanish: every caller decides, in one place, what happens on ``redis.RedisError``
(see docs/operations.md). Timeouts are short, so that a hung Redis costs a bounded wait.
"""

from __future__ import annotations

import threading
from typing import Literal

import redis
from django.conf import settings

Role = Literal["broker", "cache", "security", "live"]


_clients: dict[Role, redis.Redis] = {}
_making = threading.Lock()


def client(role: Role) -> redis.Redis:
    """Return this process's client for ``role``; values are bytes.

    ``broker`` carries tasks and replies and what is counted with them, ``cache`` may be emptied at any time,
    ``security`` must never evict, ``live`` holds heartbeats and cluster state.
    """
    found = _clients.get(role)
    return found if found is not None else _made(role)


def _made(role: Role) -> redis.Redis:
    # One for all threads that come first together: a second one that nobody keeps would close, as it goes, the
    # connections that its commands still wait on.
    with _making:
        if role not in _clients:
            _clients[role] = redis.Redis.from_url(
                settings.REDIS_URLS[role],
                socket_timeout=settings.REDIS_SOCKET_TIMEOUT,
                socket_connect_timeout=settings.REDIS_SOCKET_TIMEOUT,
                max_connections=settings.REDIS_MAX_CONNECTIONS,
            )
        return _clients[role]
