"""Counts of an owner's records by status, kind, language, tag and day."""

# ruff: noqa: S608  # names come from fixed lists; values are parameters

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from altlas.kernel.clock import now
from archive.conf import conf
from archive.database import Row, fetch
from archive.deadlines import Deadline

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
    deadline = Deadline.within(conf.stats_timeout)

    def rows(sql: str) -> list[Row]:
        return fetch(sql.format(alive="owner_id = %s AND deleted_at IS NULL"), [owner_id], deadline=deadline)

    def counts(column: str) -> dict[str, int]:
        return dict(rows(f"SELECT {column}, count(*) FROM archive_record WHERE {{alive}} GROUP BY 1 ORDER BY 2 DESC"))

    total, average = rows("SELECT count(*), avg(success_rate) FROM archive_record WHERE {alive}")[0]
    return Stats(
        as_of=now(),
        total=total,
        average_success_rate=average,
        by_status=counts("status"),
        by_kind=counts("kind"),
        by_language=counts("language"),
        by_tag=dict(
            rows(
                "SELECT tag, count(*) AS uses FROM archive_record, unnest(tags) AS tag WHERE {alive} "
                f"GROUP BY tag ORDER BY uses DESC, tag LIMIT {_TAGS}"
            )
        ),
        by_day=dict(
            rows(
                "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, count(*) "
                f"FROM archive_record WHERE {{alive}} AND created_at >= now() - interval '{_DAYS} days' "
                "GROUP BY day ORDER BY day DESC"
            )
        ),
    )
