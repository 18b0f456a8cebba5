"""What the server is doing: hit ratios, long transactions, who waits for whom, connections, views."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from altlas.kernel.clock import now
from archive import aggregates
from archive.database import fetch
from archive.doctor.finding import Finding, Level

_LONG_SECONDS = 60
_HIT = 0.95
_READS = 10_000  # blocks below which a ratio says nothing
_OLD_VIEW = timedelta(minutes=10)

_RATIOS = """
SELECT 'tables', sum(heap_blks_hit), sum(heap_blks_hit + heap_blks_read) FROM pg_statio_user_tables
UNION ALL SELECT 'indexes', sum(idx_blks_hit), sum(idx_blks_hit + idx_blks_read) FROM pg_statio_user_indexes
"""
_LONG = """
SELECT pid, application_name, state, extract(epoch FROM clock_timestamp() - xact_start) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
  AND clock_timestamp() - xact_start > make_interval(secs => %s) ORDER BY 4 DESC
"""
_WAITING = """
SELECT pid, pg_blocking_pids(pid), extract(epoch FROM clock_timestamp() - query_start) FROM pg_stat_activity
WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""
_CONNECTIONS = """
SELECT application_name, count(*), count(*) FILTER (WHERE state = 'active'),
       count(*) FILTER (WHERE state LIKE 'idle in transaction%%')
FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY 1 ORDER BY 2 DESC
"""


def findings() -> Iterator[Finding]:
    yield from _ratios()
    yield from _long_transactions()
    yield from _locks()
    yield from _connections()
    yield _view()


def _ratios() -> Iterator[Finding]:
    for what, hit, read in fetch(_RATIOS):
        share = float(hit or 0) / float(read) if read else 1.0
        low = share < _HIT and (read or 0) > _READS
        yield Finding(
            level=Level.WARNING if low else Level.OK,
            area="memory",
            subject=f"buffer hits of {what}",
            detail=f"{share:.1%} of {int(read or 0):,} blocks",
            advice="Give shared_buffers more memory." if low else "",
        )


def _long_transactions() -> Iterator[Finding]:
    for pid, name, state, seconds in fetch(_LONG, [_LONG_SECONDS]):
        yield Finding(
            level=Level.WARNING,
            area="transactions",
            subject=f"process {pid} ({name or 'unnamed'})",
            detail=f"{state} for {seconds:,.0f} s; vacuum cannot remove what it still sees",
            advice=f"SELECT pg_terminate_backend({pid}); when it is nobody's work.",
        )


def _locks() -> Iterator[Finding]:
    for pid, blockers, seconds in fetch(_WAITING):
        yield Finding(
            level=Level.WARNING,
            area="locks",
            subject=f"process {pid}",
            detail=f"waits since {seconds or 0:,.1f} s for {', '.join(map(str, blockers))}",
            advice="Its lock_timeout ends the wait; look at what the other one does.",
        )


def _connections() -> Iterator[Finding]:
    allowed = int(fetch("SELECT current_setting('max_connections')::int")[0][0])
    rows = fetch(_CONNECTIONS)
    used = sum(row[1] for row in rows)
    yield Finding(
        level=Level.WARNING if used > allowed * 0.8 else Level.OK,
        area="connections",
        subject="all programs",
        detail=f"{used} of {allowed}",
        advice="Lower ALTLAS_DB_POOL_MAX or raise max_connections." if used > allowed * 0.8 else "",
    )
    for name, count, active, idle in rows:
        yield Finding(
            level=Level.WARNING if idle > 5 else Level.OK,
            area="connections",
            subject=name or "unnamed",
            detail=f"{count} open, {active} active, {idle} idle in a transaction",
        )


def _view() -> Finding:
    of = aggregates.as_of()
    age = None if of is None else now() - of
    old = age is not None and age > _OLD_VIEW
    return Finding(
        level=Level.HINT if age is None or old else Level.OK,
        area="statistics",
        subject=aggregates.VIEW,
        detail="never refreshed" if age is None else f"checked or refreshed {age.total_seconds():,.0f} s ago",
        advice="Is beat running? archive.stats_refresh is its task; an idle archive needs none." if old else "",
    )
