"""Generations: one number per owner and one for everybody, raised after every committed write.

An entry is good while its generation is the current one, so an invalidation is one INCR and no search for keys. A
generation begins at a random number: should Redis evict or lose it, the new one is not one of the old ones.
"""

from __future__ import annotations

import secrets
import threading
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from archive.cache import connection
from archive.conf import conf

EVERYBODY = "all"
_TTL = 86_400
_PIN = "archive:pin:"
_pending: set[str] = set()
_lock = threading.Lock()


def name_of(owner_id: UUID | None) -> str:
    return f"archive:gen:{owner_id.hex if owner_id is not None else EVERYBODY}"


def begin(redis: Any, name: str) -> bytes:
    """Return the generation ``name``, made now if there is none."""
    redis.set(name, secrets.randbits(62), nx=True, ex=_TTL)
    return bytes(redis.get(name) or b"")


def invalidate(owner_id: UUID) -> None:
    """Make every cached answer about this owner's records stale as soon as the open transaction commits."""
    names = {name_of(owner_id), name_of(None)}
    transaction.on_commit(partial(_raise, {pin_name(owner_id), *names} if "replica" in settings.DATABASES else names))


def pin_name(owner_id: UUID) -> str:
    """Return the key that keeps reads of this owner's records on the primary; see archive.replica."""
    return f"{_PIN}{owner_id.hex}"


def settle() -> bool:
    """Raise the generations that could not be raised earlier; False while Redis still refuses."""
    if not _pending:
        return True
    with _lock:
        names = set(_pending)
    _raise(names)
    return not _pending


def _raise(names: set[str]) -> None:
    def call(redis: Any) -> bool:
        with redis.pipeline(transaction=False) as pipe:
            # Pins first: who sees a new generation must see that it cannot be read from a replica yet.
            for name in sorted(names, key=lambda name: not name.startswith(_PIN)):
                if name.startswith(_PIN):
                    pipe.set(name, 1, px=max(1, int(conf.replica_pin * 1000)))
                    continue
                # An absent generation needs no raising: whoever begins it draws a new random number.
                pipe.eval("if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('INCR', KEYS[1]) end", 1, name)
                pipe.expire(name, _TTL)
            pipe.execute()
        return True

    done = connection.attempt(call)
    with _lock:
        if done:
            _pending.difference_update(names)
        else:
            # This process uses no cache until these are raised; others see at most one lifetime of stale answers.
            _pending.update(names)
