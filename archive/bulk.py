"""Many records in one write, with an outcome for each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.dateparse import parse_datetime

from altlas.kernel.clock import now
from altlas.kernel.errors import FieldError
from altlas.kernel.ids import uuid7
from archive import audit, cache, validation
from archive.deadlines import write
from archive.exceptions import BulkRefused, InvalidRecord
from archive.services import unique

MAXIMUM = 5_000


class Outcome(StrEnum):
    CREATED = "created"
    EXISTS = "exists"  # the owner already has a record with this id: an earlier attempt wrote it
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class RowResult:
    index: int
    outcome: Outcome
    id: UUID | None = None
    errors: tuple[FieldError, ...] = ()


def records_import(
    *,
    owner_id: UUID,
    rows: Sequence[Any],
    atomic: bool = False,
    actor_id: UUID | None = None,
    keep_times: bool = False,
) -> list[RowResult]:
    """Store up to ``MAXIMUM`` rows and say what became of each.

    A row with an ``id`` may be sent again: it is written once. ``keep_times`` takes a row's ``created_at`` over.

    Raises:
        BulkRefused: ``atomic`` is asked for and a row cannot be stored; nothing was.
    """
    results: dict[int, RowResult] = {}
    good: dict[int, dict[str, Any]] = {}
    for index, row in enumerate(rows):
        try:
            good[index] = _members(row, keep_times)
        except InvalidRecord as exc:
            results[index] = RowResult(index=index, outcome=Outcome.REFUSED, errors=exc.errors)
    if atomic and results:
        raise _refusal(results.values())
    with write():
        results |= _insert(owner_id, good)
        if atomic and (refused := [row for row in results.values() if row.outcome is Outcome.REFUSED]):
            raise _refusal(refused)
        created = sum(row.outcome is Outcome.CREATED for row in results.values())
        if created:
            audit.note("bulk_import", actor_id=actor_id or owner_id, owner_id=owner_id, created=created)
            cache.invalidate(owner_id)
    return [results[index] for index in sorted(results)]


def _refusal(rows: Any) -> BulkRefused:
    errors = [
        FieldError(pointer=f"/records/{row.index}{error.pointer}", code=error.code, detail=error.detail)
        for row in rows
        for error in row.errors
    ]
    return BulkRefused(f"{len(rows)} of the records cannot be stored, so none was.", errors=errors[:100])


_TEXTS = {"kind": None, "title": "", "text": "", "language": "", "status": "active"}
_KNOWN = frozenset({*_TEXTS, "payload", "tags", "success_rate", "source_run_id", "id", "created_at"})


def _members(row: Any, keep_times: bool) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise _wrong("", "A record is a JSON object.")
    members: dict[str, Any] = {name: row.get(name, default) for name, default in _TEXTS.items()}
    for name, value in members.items():
        if not isinstance(value, str):
            raise _wrong(f"/{name}", "Must be a text." if name in row else "This member is needed.")
    tags, rate = row.get("tags", []), row.get("success_rate")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise _wrong("/tags", "Must be a list of texts.")
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float)):
        raise _wrong("/success_rate", "Must be a number or null.")
    members |= {
        "tags": unique(tags),
        "success_rate": None if rate is None else float(rate),
        "payload": row.get("payload", {}),
    }
    validation.check(members)
    # Members of an export that are made anew here, such as version, are left out without a word.
    members["id"] = _uuid(row, "id") or uuid7()
    members["source_run_id"] = _uuid(row, "source_run_id")
    members["created_at"] = _moment(row) if keep_times else None
    return members


def _uuid(row: Mapping[str, Any], name: str) -> UUID | None:
    value = row.get(name)
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise _wrong(f"/{name}", "Must be a UUID.") from None


def _moment(row: Mapping[str, Any]) -> datetime | None:
    value = row.get("created_at")
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if value is not None and (found is None or found.tzinfo is None):
        raise _wrong("/created_at", "Must be a time with zone.")
    return found


def _wrong(pointer: str, detail: str) -> InvalidRecord:
    return InvalidRecord(errors=[FieldError(pointer=pointer, code="invalid", detail=detail)])


# One statement whatever the number of rows: arrays in, ids of what was new out.
_INSERT = """
INSERT INTO archive_record (id, owner_id, kind, status, title, text, payload, tags, language, success_rate,
                            source_run_id, on_hold, version, created_at, updated_at)
SELECT id, %s, kind, status, title, body, payload::jsonb, ARRAY(SELECT json_array_elements_text(tags::json)), language,
       success_rate, source_run_id, false, 1, coalesce(created_at, %s), %s
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
            %s::float8[], %s::uuid[], %s::timestamptz[])
     AS rows (id, kind, status, title, body, payload, tags, language, success_rate, source_run_id, created_at)
ON CONFLICT (id) DO NOTHING
RETURNING id
"""


def _insert(owner_id: UUID, good: Mapping[int, Mapping[str, Any]]) -> dict[int, RowResult]:
    if not good:
        return {}
    rows = list(good.values())
    moment = now()
    columns = [
        [row["id"] for row in rows],
        *([row[name] for row in rows] for name in ("kind", "status", "title", "text")),
        [json.dumps(row["payload"]) for row in rows],
        [json.dumps(row["tags"]) for row in rows],
        *([row[name] for row in rows] for name in ("language", "success_rate", "source_run_id", "created_at")),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [owner_id, moment, moment, *columns])
        created = {row[0] for row in cursor.fetchall()}
        rest = [row["id"] for row in rows if row["id"] not in created]
        cursor.execute("SELECT id FROM archive_record WHERE id = ANY(%s) AND owner_id = %s", [rest, owner_id])
        own = {row[0] for row in cursor.fetchall()}
    return {index: _result(index, row["id"], created, own) for index, row in good.items()}


def _result(index: int, key: UUID, created: set[UUID], own: set[UUID]) -> RowResult:
    if key in created:
        # A second row of this call with the same id is a repetition of the first.
        created.discard(key)
        own.add(key)
        return RowResult(index=index, outcome=Outcome.CREATED, id=key)
    if key in own:
        return RowResult(index=index, outcome=Outcome.EXISTS, id=key)
    error = FieldError(pointer="/id", code="record_exists", detail="This record id is already in use.")
    return RowResult(index=index, outcome=Outcome.REFUSED, id=key, errors=(error,))
