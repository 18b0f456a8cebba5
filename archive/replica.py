"""Reads from a replica, where there is one, and never before the reader's own writes have arrived there.

A write pins its owner to the primary for ALTLAS_ARCHIVE_REPLICA_PIN seconds, by a key in Redis that is set before the
writer gets an answer. While it is there, whoever reads that owner's records reads from the primary; so does everybody
who reads all owners' records, and everybody while Redis is away.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.conf import settings
from django.db import connections

from archive.cache import connection as cache_connection
from archive.cache import generations
from archive.metrics import REPLICA_READS

PRIMARY, REPLICA = "default", "replica"
_alias: ContextVar[str] = ContextVar("archive_alias", default=PRIMARY)


def alias() -> str:
    """Return the database that this read goes to."""
    found = _alias.get()
    # What a transaction has written is not on any replica.
    return PRIMARY if connections[PRIMARY].in_atomic_block else found


@contextmanager
def reads_of(owner_id: UUID | None) -> Iterator[None]:
    """Let the block read from the replica if that shows all that this owner's records went through."""
    if REPLICA not in settings.DATABASES:
        yield
        return
    chosen = REPLICA if owner_id is not None and not _pinned(owner_id) else PRIMARY
    REPLICA_READS.labels(chosen).inc()
    token = _alias.set(chosen)
    try:
        yield
    finally:
        _alias.reset(token)


def _pinned(owner_id: UUID) -> bool:
    # A write that could not be told to Redis may be this owner's.
    if not cache_connection.reachable() or not generations.settle():
        return True
    # None, when Redis does not answer, pins too.
    free = cache_connection.attempt(lambda redis: not redis.exists(generations.pin_name(owner_id)))
    return not free
