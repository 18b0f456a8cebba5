"""What pg_stat_statements knows, where production has it; our own capture needs no extension."""

from __future__ import annotations

from collections.abc import Iterator

from archive.database import fetch
from archive.doctor.finding import Finding, Level

_HERE = "SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"
_TOP = """
SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 160), calls, mean_exec_time, total_exec_time,
       shared_blks_hit + shared_blks_read
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY total_exec_time DESC LIMIT 10
"""


def findings() -> Iterator[Finding]:
    if not fetch(_HERE):
        yield Finding(
            level=Level.OK,
            area="statements",
            subject="pg_stat_statements",
            detail="is not installed; slow statements are caught by the program itself",
        )
        return
    for query, calls, mean, total, blocks in fetch(_TOP):
        yield Finding(
            level=Level.OK,
            area="statements",
            subject=query,
            detail=f"{calls:,} calls, {mean:.1f} ms on average, {total / 1000:,.1f} s in total, {blocks:,} blocks",
        )
