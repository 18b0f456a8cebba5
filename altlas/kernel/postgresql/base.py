"""Pooled connections are looked at, not asked, before they are used.

A round trip to the server on every request is what Django's health check of a pooled connection costs. A server that
has ended or dropped an idle connection has closed its socket or written to it, which the kernel knows already; a peer
that vanished without a word (power, network) is only found by asking, which is done after a pause.
"""

from __future__ import annotations

import select
import time
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django_prometheus.db.backends.postgresql import base
from psycopg_pool import ConnectionPool

ASK_AFTER = 5.0
_asked: WeakKeyDictionary[psycopg.Connection[Any], float] = WeakKeyDictionary()


def check(connection: psycopg.Connection[Any]) -> None:
    """Return when ``connection``, idle in the pool, can be used.

    Raises:
        psycopg.Error: it is broken; the pool takes another.
    """
    quiet = select.poll()
    quiet.register(connection.fileno(), select.POLLIN)
    now = time.monotonic()
    # Nothing is owed to an idle connection: whatever came is a notice that it was ended, or the end itself.
    if quiet.poll(0) or now - _asked.get(connection, float("-inf")) > ASK_AFTER:
        ConnectionPool.check_connection(connection)
        _asked[connection] = now


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]  # django-prometheus has no types
    @property
    def pool(self) -> Any:
        pool = super().pool
        # Django builds the pool with its own check, which has no setting.
        if pool is not None and pool._check is ConnectionPool.check_connection:
            pool._check = check
        return pool
