"""Throwing away what has outlived its time, in small transactions."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from altlas.kernel.clock import now
from archive.conf import conf

_BATCH = 5_000


def purge_idempotency_keys() -> int:
    """Delete expired keys; return how many."""
    before = now() - timedelta(seconds=conf.idempotency_ttl)
    total = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM archive_idempotencykey WHERE id IN "
                "(SELECT id FROM archive_idempotencykey WHERE created_at < %s ORDER BY created_at LIMIT %s)",
                [before, _BATCH],
            )
            deleted = int(cursor.rowcount)
        total += deleted
        if deleted < _BATCH:
            return total
