"""Reads of the archive. Every one takes whose records it may see and says so in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from altlas.kernel.clock import now
from archive import cursors, keyset, orderings, wire
from archive.conf import conf
from archive.cursors import Key, Position
from archive.database import Row, fetch
from archive.deadlines import Deadline
from archive.exceptions import RecordNotFound
from archive.filters import RecordFilters
from archive.models import Record
from archive.orderings import Ordering
from archive.search import search
from archive.stats import stats

__all__ = ["Document", "Page", "record_document", "record_get", "record_version", "records_page", "search", "stats"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Rows as JSON texts, in order, and the cursors of the pages beside."""

    rows: tuple[str, ...]
    next: str | None
    previous: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One whole record as JSON text."""

    json: str
    version: int


def record_get(*, record_id: UUID, owner_id: UUID | None) -> Record:
    """Return a record; ``owner_id`` None reaches every owner's.

    Raises:
        RecordNotFound: also when it is deleted or another owner's.
    """
    found = Record.objects.alive().filter(pk=record_id)
    if owner_id is not None:
        found = found.filter(owner_id=owner_id)
    record = found.first()
    if record is None:
        raise RecordNotFound("There is no such record.")
    return record


def record_document(*, record_id: UUID, owner_id: UUID | None) -> Document:
    """Return a record as the JSON that goes on the wire.

    Raises:
        RecordNotFound: also when it is deleted or another owner's.
    """
    where = "id = %s AND deleted_at IS NULL" + ("" if owner_id is None else " AND owner_id = %s")
    rows = fetch(
        f"SELECT row_to_json(found)::text, version FROM (SELECT {', '.join(wire.DETAIL_COLUMNS)} "  # noqa: S608  # fixed names
        f"FROM archive_record WHERE {where}) AS found",
        [record_id] if owner_id is None else [record_id, owner_id],
        deadline=Deadline.within(conf.list_timeout),
    )
    if not rows:
        raise RecordNotFound("There is no such record.")
    return Document(json=rows[0][0], version=rows[0][1])


def record_version(*, record_id: UUID, owner_id: UUID | None) -> int | None:
    """Return a living record's version, or None when there is no such record within reach."""
    where = "id = %s AND deleted_at IS NULL" + ("" if owner_id is None else " AND owner_id = %s")
    rows = fetch(
        f"SELECT version FROM archive_record WHERE {where}",  # noqa: S608  # fixed names
        [record_id] if owner_id is None else [record_id, owner_id],
        deadline=Deadline.within(conf.list_timeout),
    )
    return rows[0][0] if rows else None


def records_page(
    *,
    filters: RecordFilters,
    ordering: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page:
    """Return one page of a keyset walk.

    Raises:
        InvalidCursor: the cursor is not of this owner, these filters and this order, or has expired.
        InvalidQuery: the order is not offered.
    """
    order = orderings.choose(ordering, all_owners=filters.owner_id is None, trash=filters.deleted)
    size = limit or conf.page_default
    bound = cursors.binding(filters.canonical(), order.name)
    position = None if not cursor else cursors.decode(cursor, keys=_keys(), binding=bound, now=now())
    rows = _page_rows(filters, order, size + 1, position)
    more, rows = len(rows) > size, rows[:size]
    backward = position is not None and position.backward
    if backward:
        rows.reverse()
    before, after = _neighbours(rows, position, more)

    def sealed(place: Position | None) -> str | None:
        if place is None:
            return None
        expires = now() + timedelta(seconds=conf.cursor_ttl)
        return cursors.encode(place, key=_keys()[0], binding=bound, expires=expires)

    return Page(rows=tuple(row[0] for row in rows), next=sealed(after), previous=sealed(before))


def _neighbours(rows: list[Row], position: Position | None, more: bool) -> tuple[Position | None, Position | None]:
    """Return the positions of the previous and of the next page."""
    if not rows:
        # Everything on this side is gone. Back to where we came from, with the row that the cursor named.
        if position is None:
            return None, None
        back = Position(keys=position.keys, backward=not position.backward, inclusive=not position.inclusive)
        return (None, back) if position.backward else (back, None)
    first: tuple[Key, ...] = rows[0][1:]
    last: tuple[Key, ...] = rows[-1][1:]
    backward = position is not None and position.backward
    before = Position(keys=first, backward=True) if (more if backward else position is not None) else None
    after = Position(keys=last) if (backward or more) else None
    return before, after


def _page_rows(filters: RecordFilters, order: Ordering, limit: int, position: Position | None) -> list[Row]:
    direction = order.reversed() if position is not None and position.backward else order
    if filters.owner_id is not None and not filters.deleted:
        direction = orderings.within(direction, filters.equal())
    columns = ", ".join(wire.TRASH_COLUMNS if filters.deleted else wire.LIST_COLUMNS)
    sql, parameters = keyset.page(
        direction,
        columns=columns,
        where=filters.clause(),
        limit=limit,
        after=None if position is None else position.keys,
        inclusive=position is not None and position.inclusive,
    )
    keys = ", ".join(f"page.{column.name}" for column in order.columns)
    return fetch(
        f"SELECT row_to_json(page)::text, {keys} FROM ({sql}) AS page",  # noqa: S608  # names from allow-lists
        parameters,
        deadline=Deadline.within(conf.list_timeout),
    )


def _keys() -> list[bytes]:
    return [cursors.signing_key(str(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
