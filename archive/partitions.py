"""Partitions by month of the key, for large installations: retention can drop a month instead of deleting its rows.

Switched on by a setting before the first migration, for an empty table. Bounds are the smallest key of a month, random
bits zero, so that the end of one month is exactly the beginning of the next. A default partition takes what has another
kind of key.
"""

# ruff: noqa: S608  # names are made here

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from altlas.kernel.clock import now
from archive.database import Row, fetch

TABLE = "archive_record"
# The table and what it consists of; pg_partition_tree says nothing about a plain one.
PARTS = f"SELECT '{TABLE}'::regclass AS relid UNION SELECT relid FROM pg_partition_tree('{TABLE}')"
_AHEAD = 3
_PARTITION = "archive_record_y"


@dataclass(frozen=True, kw_only=True, slots=True)
class Month:
    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime) -> Month:
        utc = moment.astimezone(UTC)
        return cls(year=utc.year, month=utc.month)

    def next(self) -> Month:
        return Month(year=self.year + self.month // 12, month=self.month % 12 + 1)

    def begin(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    def lower(self) -> UUID:
        """Return the smallest UUIDv7 of the month; version and variant bits are left zero, which is smaller still."""
        return UUID(int=int(self.begin().timestamp() * 1000) << 80)

    @property
    def table(self) -> str:
        return f"{_PARTITION}{self.year:04}m{self.month:02}"


def active() -> bool:
    """Whether the table is partitioned."""
    return bool(fetch("SELECT relkind = 'p' FROM pg_class WHERE oid = %s::regclass", [TABLE])[0][0])


def ensure(*, moment: datetime | None = None) -> list[str]:
    """Make the partitions of this month and the next ones; return the new ones. Nothing for a plain table."""
    if not active():
        return []
    month = Month.of(moment or now())
    made = []
    for _ in range(_AHEAD + 1):
        if fetch("SELECT to_regclass(%s) IS NULL", [month.table])[0][0]:
            _create(month)
            made.append(month.table)
        month = month.next()
    return made


def months() -> Iterator[Month]:
    """Yield the months that have a partition, oldest first."""
    rows = fetch(
        "SELECT relid::text FROM pg_partition_tree(%s::regclass) WHERE isleaf AND relid::text LIKE %s ORDER BY 1",
        [TABLE, f"{_PARTITION}%"],
    )
    for (name,) in rows:
        year, month = name.removeprefix(_PARTITION).split("m")
        yield Month(year=int(year), month=int(month))


def contents(month: Month) -> list[Row]:
    """Return owner, kind, count, whether one is on hold and the newest creation of each group in the month."""
    return fetch(
        f"SELECT owner_id, kind, count(*), bool_or(on_hold), max(created_at) FROM {month.table} GROUP BY owner_id, kind"
    )


def drop(month: Month) -> None:
    """Take a month away with everything that is in it; its records' revisions go first."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute(f"DELETE FROM archive_recordrevision WHERE record_id IN (SELECT id FROM {month.table})")
        # The check that nothing refers to the month is made at once, not at the end.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {month.table}")
        cursor.execute(f"DROP TABLE {month.table}")


def _create(month: Month) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {month.table} PARTITION OF {TABLE} "
            f"FOR VALUES FROM ('{month.lower()}') TO ('{month.next().lower()}') WITH (toast_tuple_target = 256)"
        )


class NotEmpty(RuntimeError):
    """The table has rows already; it can be partitioned only before the first one."""


def convert() -> None:
    """Make the empty table a partitioned one with the same columns, indexes, constraints, triggers and view.

    Raises:
        NotEmpty
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {TABLE})")
        if cursor.fetchone()[0]:
            raise NotEmpty("ALTLAS_ARCHIVE_PARTITIONS is for new installations: the archive has records already.")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        again = [
            *_definitions(cursor, _INDEXES),
            *_definitions(cursor, _FOREIGN_KEYS),
            *_definitions(cursor, _TRIGGERS),
        ]
        referring = _definitions(cursor, _REFERRING)
        cursor.execute("SELECT pg_get_viewdef('archive_stats'::regclass)")
        view = cursor.fetchone()[0]
        cursor.execute("DROP MATERIALIZED VIEW archive_stats")
        cursor.execute(f"ALTER TABLE {TABLE} RENAME TO archive_record_plain")
        cursor.execute(
            f"CREATE TABLE {TABLE} (LIKE archive_record_plain INCLUDING DEFAULTS INCLUDING CONSTRAINTS "
            "INCLUDING GENERATED INCLUDING STORAGE) PARTITION BY RANGE (id)"
        )
        cursor.execute("DROP TABLE archive_record_plain CASCADE")
        cursor.execute(f"ALTER TABLE {TABLE} ADD CONSTRAINT archive_record_pkey PRIMARY KEY (id)")
        for statement in (*again, *referring):
            cursor.execute(statement)
        cursor.execute(f"CREATE MATERIALIZED VIEW archive_stats AS {view}")
        cursor.execute("CREATE UNIQUE INDEX archive_stats_key ON archive_stats (owner_id, dimension, value)")
        cursor.execute(f"CREATE TABLE {TABLE}_other PARTITION OF {TABLE} DEFAULT WITH (toast_tuple_target = 256)")
    ensure()


_INDEXES = f"""
SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '{TABLE}'::regclass AND NOT indisprimary
"""
_FOREIGN_KEYS = f"""
SELECT format('ALTER TABLE {TABLE} ADD CONSTRAINT %%I %%s', conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE conrelid = '{TABLE}'::regclass AND contype = 'f'
"""
_TRIGGERS = f"""
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = '{TABLE}'::regclass AND NOT tgisinternal
"""
_REFERRING = f"""
SELECT format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE confrelid = '{TABLE}'::regclass AND contype = 'f'
"""


def _definitions(cursor: Any, sql: str) -> list[str]:
    cursor.execute(sql, [])
    # What PostgreSQL wrote is sent without parameters, so its per cent signs are its own.
    return [row[0] for row in cursor.fetchall()]
