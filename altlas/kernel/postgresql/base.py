"""What every request does with the database, at the price of what it needs.

Pooled connections are looked at, not asked, before they are used.

A round trip to the server on every request is what Django's health check of a pooled connection costs. A server that
has ended or dropped an idle connection has closed its socket or written to it, which the kernel knows already; a peer
that vanished without a word (power, network) is only found by asking, which is done after a pause.

A statement of every request is planned once for each connection. Django has values written into the text of each
statement, which the server then reads and plans anew: right for a search, whose plan depends on them, and twice the
price for one row by its key.
"""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django_prometheus.db.backends.postgresql import base
from django_prometheus.db.common import ExportingCursorWrapper
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

    def get_connection_params(self) -> dict[str, Any]:
        # Only cursors that bind on the server look at it: those of ``first_row``.
        return {**super().get_connection_params(), "prepare_threshold": 0}

    def first_row(self, sql: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
        """Return the first row of a statement of every request.

        A request that has no connection of its own yet borrows one for as long as the statement takes, so that it
        holds none while it waits for a model, and the server plans it once for each connection; execute wrappers do
        not see that. Others run it as any statement.

        Raises:
            django.db.DatabaseError, django.db.InterfaceError: as ``cursor().execute``.
            psycopg_pool.PoolTimeout, psycopg_pool.TooManyRequests: no connection is free.
        """
        if self.connection is not None or self.pool is None or self.queries_logged:
            return _first(self.cursor(), sql, parameters)
        kind = _counted(self.alias, self.vendor)
        with self.wrap_database_errors:
            self.pool.open()
            borrowed = self.pool.getconn()
            try:
                return _first(kind(borrowed), sql, parameters)
            except psycopg.errors.FeatureNotSupported:  # a column has another type than when it was planned
                borrowed.execute("DEALLOCATE ALL")
                return _first(kind(borrowed), sql, parameters)
            finally:
                self.pool.putconn(borrowed)


def _first(cursor: Any, sql: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    with cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


class _Cursor(psycopg.Cursor[Any]):
    """Binds on the server, and reads what it answers without a detour over text."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        self.format = psycopg.pq.Format.BINARY


@cache
def _counted(alias: str, vendor: str) -> Any:
    return ExportingCursorWrapper(_Cursor, alias, vendor)
