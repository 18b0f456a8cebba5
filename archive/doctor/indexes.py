"""Indexes: unused, the same twice, missing, bloated. From PostgreSQL's own counters; no extension is needed."""

from __future__ import annotations

from collections.abc import Iterator

from archive.database import fetch
from archive.doctor.finding import Finding, Level
from archive.models import SlowQuery

_MB = 2**20
# Counters of a young database say nothing yet.
_YOUNG_SCANS = 1_000
_SMALL_BYTES = 8 * _MB
_SCANNED_ROWS = 100_000

_UNUSED = """
SELECT indexrelname, relname, pg_relation_size(stat.indexrelid), table_scans
FROM pg_stat_user_indexes AS stat JOIN pg_index AS i ON i.indexrelid = stat.indexrelid
JOIN LATERAL (SELECT coalesce(sum(other.idx_scan), 0) AS table_scans FROM pg_stat_user_indexes AS other
              WHERE other.relid = stat.relid) AS scans ON true
WHERE stat.idx_scan = 0 AND NOT i.indisunique AND schemaname = ANY(current_schemas(false))
ORDER BY 3 DESC
"""
# Two valid B-trees on one table where the columns of one begin those of the other, with the same condition.
_DUPLICATE = """
SELECT small.indexrelid::regclass::text, large.indexrelid::regclass::text, pg_relation_size(small.indexrelid)
FROM pg_index AS small
JOIN pg_index AS large ON small.indrelid = large.indrelid AND small.indexrelid <> large.indexrelid
JOIN pg_class AS c ON c.oid = small.indexrelid JOIN pg_class AS d ON d.oid = large.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(current_schemas(false)) AND c.relam = d.relam AND NOT small.indisunique
  AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree')
  AND (large.indkey::text || ' ') LIKE (small.indkey::text || ' %%')
  AND small.indkey::text NOT LIKE '%%0%%'
  AND (string_to_array(large.indoption::text, ' '))[1:small.indnkeyatts]
      = (string_to_array(small.indoption::text, ' '))[1:small.indnkeyatts]
  AND (string_to_array(large.indclass::text, ' '))[1:small.indnkeyatts]
      = (string_to_array(small.indclass::text, ' '))[1:small.indnkeyatts]
  AND pg_get_expr(small.indpred, small.indrelid) IS NOT DISTINCT FROM pg_get_expr(large.indpred, large.indrelid)
  AND (small.indkey::text <> large.indkey::text OR small.indexrelid > large.indexrelid)
"""
_SCANNED = """
SELECT relname, seq_scan, seq_tup_read / greatest(seq_scan, 1), n_live_tup FROM pg_stat_user_tables
WHERE seq_scan > 0 AND schemaname = ANY(current_schemas(false)) AND n_live_tup > %s
  AND seq_tup_read / seq_scan > n_live_tup / 2 AND seq_scan > coalesce(idx_scan, 0) / 100
ORDER BY seq_tup_read DESC
"""
_INVALID = """
SELECT i.indexrelid::regclass::text FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname = ANY(current_schemas(false))
"""
# A B-tree's size against what its rows would fill at 90 %: an entry is 8 bytes of header, 4 of line pointer and its
# columns' mean widths, rounded up to 8. Deduplication makes real ones smaller, so this never cries too early.
_BLOATED = """
SELECT name, size, ideal FROM (
    SELECT c.relname AS name, pg_relation_size(c.oid) AS size,
           greatest(1, ceil(greatest(c.reltuples, 0) * (12 + 8 * ceil(widths / 8.0)) / (8192 * 0.9))) * 8192 AS ideal
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN LATERAL (SELECT coalesce(sum(s.avg_width), 16) AS widths FROM pg_attribute AS a JOIN pg_stats AS s
                  ON s.schemaname = n.nspname AND s.tablename = t.relname AND s.attname = a.attname
                  WHERE a.attrelid = t.oid AND a.attnum = ANY(i.indkey)) AS w ON true
    WHERE c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree') AND n.nspname = ANY(current_schemas(false))
      AND c.reltuples >= 0) AS sizes
WHERE size > %s AND size > ideal * 2.5 ORDER BY size - ideal DESC
"""


def findings() -> Iterator[Finding]:
    yield from _unused()
    yield from _duplicate()
    yield from _missing()
    yield from _bloated()
    for (name,) in fetch(_INVALID):
        yield Finding(
            level=Level.WARNING,
            area="indexes",
            subject=name,
            detail="is not valid: building it failed",
            advice=f"DROP INDEX CONCURRENTLY {name}; then build it again.",
        )


def _unused() -> Iterator[Finding]:
    for name, table, size, scans in fetch(_UNUSED):
        if size < _SMALL_BYTES or scans < _YOUNG_SCANS:
            continue
        yield Finding(
            level=Level.HINT,
            area="indexes",
            subject=name,
            detail=f"never used in {scans:,} index scans of {table}; {size / _MB:,.0f} MB",
            advice="Watch it for as long as your rarest report; then drop it.",
        )


def _duplicate() -> Iterator[Finding]:
    for small, large, size in fetch(_DUPLICATE):
        yield Finding(
            level=Level.WARNING,
            area="indexes",
            subject=small,
            detail=f"{large} begins with the same columns; {size / _MB:,.1f} MB for nothing",
            advice=f"DROP INDEX CONCURRENTLY {small};",
        )


def _missing() -> Iterator[Finding]:
    for table, scans, read, live in fetch(_SCANNED, [_SCANNED_ROWS]):
        yield Finding(
            level=Level.WARNING,
            area="indexes",
            subject=table,
            detail=f"read from end to end {scans:,} times, {read:,} of {live:,} rows each",
            advice="See the slow queries: one of them has no index that fits.",
        )
    for row in SlowQuery.objects.exclude(suggestion="").order_by("-total_ms")[:10]:
        yield Finding(
            level=Level.WARNING,
            area="indexes",
            subject=f"route {row.route}",
            detail=f"{row.count:,} slow runs, longest {row.max_ms:,.0f} ms: {row.statement[:100]}",
            advice=row.suggestion,
        )


def _bloated() -> Iterator[Finding]:
    for name, size, ideal in fetch(_BLOATED, [_SMALL_BYTES]):
        yield Finding(
            level=Level.HINT,
            area="indexes",
            subject=name,
            detail=f"{size / _MB:,.0f} MB, where {ideal / _MB:,.0f} MB would do",
            advice=f"REINDEX INDEX CONCURRENTLY {name};",
        )
