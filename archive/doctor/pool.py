"""The connection pool: why it is as large as it is, and how it stands in this process."""

from __future__ import annotations

from collections.abc import Iterator

from archive import pool
from archive.database import fetch
from archive.doctor.finding import Finding, Level


def findings() -> Iterator[Finding]:
    allowed, reserved = fetch(
        "SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int"
    )[0]
    fleet = pool.fleet()
    fits = fleet <= allowed - reserved
    yield Finding(
        level=Level.OK if fits else Level.WARNING,
        area="pool",
        subject="all processes of this machine",
        detail=f"{fleet} connections at most ({pool.explained()}); the server allows {allowed - reserved}",
        advice="" if fits else "Lower ALTLAS_WEB_THREADS or ALTLAS_DB_POOL_MAX, or raise max_connections.",
    )
    state = pool.state()
    full = state.waiting > 0
    yield Finding(
        level=Level.WARNING if full else Level.OK,
        area="pool",
        subject="this process",
        detail=(
            f"{state.size} open of {state.maximum}, {state.available} free, {state.waiting} requests waiting; "
            f"{state.queued:,} of {state.requests:,} had to wait, {state.mean_wait_ms:.1f} ms on average, "
            f"{state.errors:,} in vain"
        ),
        advice="Statements are slow or threads too many: see the slow queries first." if full else "",
    )
