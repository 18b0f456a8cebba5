"""Counts of an owner's records by status, kind, language, tag and day.

For an owner with few records they are counted on the spot. For one with many they come from the materialized view, and
say of when they are.
"""

# names come from fixed lists; values are parameters

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from altlas.kernel.clock import now
from archive import aggregates
from archive.conf import conf
from archive.database import Row, fetch
from archive.deadlines import Deadline

_DAYS = 90
_TAGS = 50

# The body of the materialized view, for one owner. Migration 0004 holds the same for all of them.
_LIVE = """
SELECT CASE grouping(kind, status, language, day)
           WHEN 7 THEN 'kind' WHEN 11 THEN 'status' WHEN 13 THEN 'language' WHEN 14 THEN 'day' ELSE 'total'
       END AS dimension,
       coalesce(kind, status, language, day::text, '') AS value,
       count(*) AS records, sum(success_rate) AS rate_sum, count(success_rate) AS rated
FROM (SELECT kind, status, language, (created_at AT TIME ZONE 'UTC')::date AS day, success_rate
      FROM archive_record WHERE owner_id = %s AND deleted_at IS NULL) AS living
GROUP BY GROUPING SETS ((kind), (status), (language), (day), ())
UNION ALL
SELECT 'tag', tag, count(*), sum(success_rate), count(success_rate)
FROM archive_record, unnest(tags) AS tag WHERE owner_id = %s AND deleted_at IS NULL GROUP BY tag
"""
VIEW_SQL = "SELECT dimension, value, records, rate_sum, rated FROM archive_stats WHERE owner_id = %s"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stats:
    """``by_day`` covers the last 90 days in UTC; ``by_tag`` the 50 most used tags; ``age`` is in seconds."""

    as_of: datetime
    age: float
    basis: Literal["live", "view"]
    total: int
    average_success_rate: float | None
    by_status: dict[str, int]
    by_kind: dict[str, int]
    by_language: dict[str, int]
    by_tag: dict[str, int]
    by_day: dict[str, int]


def stats(*, owner_id: UUID) -> Stats:
    deadline = Deadline.within(conf.stats_timeout)
    moment = now()
    of = None if _few(owner_id, deadline) else aggregates.as_of()
    if of is None:
        return _summed(fetch(_LIVE, [owner_id, owner_id], deadline=deadline), moment, moment, "live")
    return _summed(fetch(VIEW_SQL, [owner_id], deadline=deadline), moment, of, "view")


def _few(owner_id: UUID, deadline: Deadline) -> bool:
    rows = fetch(
        "SELECT count(*) FROM (SELECT 1 FROM archive_record WHERE owner_id = %s AND deleted_at IS NULL "
        "LIMIT %s) AS few",
        [owner_id, conf.stats_live_below],
        deadline=deadline,
    )
    return bool(rows[0][0] < conf.stats_live_below)


def _summed(rows: list[Row], moment: datetime, of: datetime, basis: Literal["live", "view"]) -> Stats:
    groups: dict[str, dict[str, int]] = {}
    total = rated = 0
    rate_sum = 0.0
    for dimension, value, records, sum_of_rates, with_rate in rows:
        if dimension == "total":
            total, rate_sum, rated = records, sum_of_rates or 0.0, with_rate
        else:
            groups.setdefault(dimension, {})[value] = records
    since = (moment - timedelta(days=_DAYS)).date().isoformat()
    days = {day: count for day, count in sorted(groups.get("day", {}).items(), reverse=True) if day >= since}
    return Stats(
        as_of=of,
        age=round((moment - of).total_seconds(), 3),
        basis=basis,
        total=total,
        average_success_rate=rate_sum / rated if rated else None,
        by_status=_largest(groups.get("status", {})),
        by_kind=_largest(groups.get("kind", {})),
        by_language=_largest(groups.get("language", {})),
        by_tag=dict(list(_largest(groups.get("tag", {})).items())[:_TAGS]),
        by_day=days,
    )


def _largest(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
