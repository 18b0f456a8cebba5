"""Counts of an owner's records by status, kind, language, tag and day."""

# ruff: noqa: S608  # names come from fixed lists; values are parameters

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from altlas.kernel.clock import now
from archive.conf import conf
from archive.database import Row, fetch
from archive.deadlines import statement_deadline

_DAYS = 90
_TAGS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """``by_day`` covers the last 90 days in UTC; ``by_tag`` the 50 most used tags."""

    as_of: datetime
    total: int
    average_success_rate: float | None
    by_status: dict[str, int]
    by_kind: dict[str, int]
    by_language: dict[str, int]
    by_tag: dict[str, int]
    by_day: dict[str, int]


def stats(*, owner_id: UUID) -> Stats:
    with statement_deadline(conf.stats_timeout):
        total, average = _rows("SELECT count(*), avg(success_rate) FROM archive_record WHERE {alive}", owner_id)[0]
        return Stats(
            as_of=now(),
            total=total,
            average_success_rate=average,
            by_status=_counts("status", owner_id),
            by_kind=_counts("kind", owner_id),
            by_language=_counts("language", owner_id),
            by_tag=dict(
                _rows(
                    "SELECT tag, count(*) AS uses FROM archive_record, unnest(tags) AS tag WHERE {alive} "
                    f"GROUP BY tag ORDER BY uses DESC, tag LIMIT {_TAGS}",
                    owner_id,
                )
            ),
            by_day=dict(
                _rows(
                    "SELECT to_char(date_trunc('day', created_at AT TIME ZONE 'UTC'), 'YYYY-MM-DD') AS day, count(*) "
                    f"FROM archive_record WHERE {{alive}} AND created_at >= now() - interval '{_DAYS} days' "
                    "GROUP BY day ORDER BY day DESC",
                    owner_id,
                )
            ),
        )


def _counts(column: str, owner_id: UUID) -> dict[str, int]:
    return dict(
        _rows(f"SELECT {column}, count(*) FROM archive_record WHERE {{alive}} GROUP BY 1 ORDER BY 2 DESC", owner_id)
    )


def _rows(sql: str, owner_id: UUID) -> list[Row]:
    return fetch(sql.format(alive="owner_id = %s AND deleted_at IS NULL"), [owner_id])
