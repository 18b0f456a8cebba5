"""Counts by kind, status, language and tag of what a search or a list matches; bounded like the ranking is.

Of more matches than ALTLAS_ARCHIVE_FACET_ROWS the newest are counted, and the answer says so (``relation`` is ``gte``).
"""

# ruff: noqa: S608  # names come from fixed lists; values are parameters

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from archive.conf import conf
from archive.database import fetch
from archive.deadlines import Deadline
from archive.filters import RecordFilters

_VALUES = 20
_DIMENSIONS = ("kind", "status", "language", "tag")


@dataclass(frozen=True, kw_only=True, slots=True)
class Facets:
    """``relation`` eq: every match was counted; gte: the newest ones were, so each number may be larger."""

    counted: int
    relation: Literal["eq", "gte"]
    kind: dict[str, int]
    status: dict[str, int]
    language: dict[str, int]
    tag: dict[str, int]


def facets(filters: RecordFilters, *, words: str = "", deadline: Deadline | None = None) -> Facets:
    """Count the matches of ``filters`` and ``words`` in one statement."""
    where, parameters = replace(filters, words=words or filters.words).clause()
    # One row more than is counted tells whether there are more.
    rows = fetch(
        "WITH newest AS MATERIALIZED (SELECT kind, status, language, tags FROM archive_record "
        f"WHERE {where} ORDER BY created_at DESC, id DESC LIMIT %s), "
        "counted AS (SELECT * FROM newest LIMIT %s) "
        "SELECT '' AS dimension, '' AS value, count(*) FROM newest "
        "UNION ALL SELECT 'kind', kind, count(*) FROM counted GROUP BY kind "
        "UNION ALL SELECT 'status', status, count(*) FROM counted GROUP BY status "
        "UNION ALL SELECT 'language', language, count(*) FROM counted GROUP BY language "
        "UNION ALL SELECT 'tag', tag, count(*) FROM counted, unnest(tags) AS tag GROUP BY tag",
        [*parameters, conf.facet_rows + 1, conf.facet_rows],
        deadline=deadline or Deadline.within(conf.search_timeout),
    )
    found: dict[str, dict[str, int]] = {dimension: {} for dimension in _DIMENSIONS}
    total = 0
    for dimension, value, count in sorted(rows, key=lambda row: (-row[2], row[1])):
        if not dimension:
            total = count
        elif len(found[dimension]) < _VALUES:
            found[dimension][value] = count
    more = total > conf.facet_rows
    return Facets(counted=min(total, conf.facet_rows), relation="gte" if more else "eq", **found)
