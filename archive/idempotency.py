"""Writes that may be repeated: the same Idempotency-Key and body get the answer of the first time.

The key is claimed and the answer kept in the transaction of the write itself. No state lies between "claimed" and
"answered": a crash undoes both, and a repetition that comes meanwhile waits for the first one on the unique index.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from altlas.kernel.clock import now
from altlas.kernel.errors import FieldError
from archive.conf import conf
from archive.deadlines import write
from archive.exceptions import IdempotencyKeyReused, InvalidQuery

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """JSON text of the answer; ``replayed`` when it is the one of an earlier time."""

    json: str
    replayed: bool


def once(*, owner_id: UUID, key: str, route: str, body: Any, perform: Callable[[], str]) -> Answer:
    """Return the answer of ``perform``, or the one that was kept under ``key``.

    Raises:
        IdempotencyKeyReused: the key was used with another body or for another route.
        InvalidQuery: the key is malformed.
    """
    if not _KEY.fullmatch(key):
        detail = "Idempotency-Key must be 1 to 255 visible ASCII characters."
        raise InvalidQuery(detail, errors=[FieldError(pointer="/Idempotency-Key", code="invalid", detail=detail)])
    fingerprint = fingerprint_of(route, body)
    with write():
        if not _claim(owner_id, key, fingerprint):
            return _kept(owner_id, key, fingerprint)
        answer = perform()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE archive_idempotencykey SET answer = %s WHERE owner_id = %s AND key = %s",
                [answer, owner_id, key],
            )
    return Answer(json=answer, replayed=False)


def fingerprint_of(route: str, body: Any) -> bytes:
    text = json.dumps([route, body], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _claim(owner_id: UUID, key: str, fingerprint: bytes) -> bool:
    moment = now()
    with connection.cursor() as cursor:
        # A key that has outlived its time is as good as new.
        cursor.execute(
            "INSERT INTO archive_idempotencykey AS kept (owner_id, key, fingerprint, answer, created_at) "
            "VALUES (%s, %s, %s, '', %s) ON CONFLICT (owner_id, key) DO UPDATE "
            "SET fingerprint = EXCLUDED.fingerprint, answer = '', created_at = EXCLUDED.created_at "
            "WHERE kept.created_at < %s RETURNING 1",
            [owner_id, key, fingerprint, moment, moment - timedelta(seconds=conf.idempotency_ttl)],
        )
        return cursor.fetchone() is not None


def _kept(owner_id: UUID, key: str, fingerprint: bytes) -> Answer:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT fingerprint, answer FROM archive_idempotencykey WHERE owner_id = %s AND key = %s", [owner_id, key]
        )
        kept, answer = cursor.fetchone()
    if bytes(kept) != fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key was used for another request; use a new key.")
    return Answer(json=answer, replayed=True)
