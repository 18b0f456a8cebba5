"""Metrics of the archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram

# Who sends a statement; "elsewhere" outside of the archive's routes.
ROUTE: ContextVar[str] = ContextVar("archive_route", default="elsewhere")

QUERY_SECONDS = Histogram(
    "altlas_archive_query_seconds",
    "Time in the archive's database work, by route.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
QUERY_ERRORS = Counter("altlas_archive_query_errors_total", "Archive calls that ended in an error.", ["route", "error"])
SEARCH_DEGRADED = Counter(
    "altlas_archive_search_degraded_total", "Hybrid searches that went on without a leg.", ["leg"]
)
REFRESH_SECONDS = Histogram(
    "altlas_archive_refresh_seconds",
    "Refreshes of the statistics view.",
    buckets=(0.01, 0.1, 0.5, 1, 5, 15, 60, 300),
)
EXPORTED_BYTES = Counter("altlas_archive_exported_bytes_total", "Bytes of exports sent.")
CACHE_READS = Counter(
    "altlas_archive_cache_reads_total",
    "Answers by how they came: hit, wait (another reader made it), early (refreshed before its expiry), miss, bypass.",
    ["route", "outcome"],
)
CACHE_SAVED = Counter(
    "altlas_archive_cache_saved_seconds_total", "Time that cached answers had taken to make.", ["route"]
)
CACHE_BYTES = Counter("altlas_archive_cache_written_bytes_total", "Bytes of answers put into the cache.", ["route"])
CACHE_ENTRIES = Gauge(
    "altlas_archive_cache_entries",
    "Answers in the cache, as of the last census.",
    ["route"],
    multiprocess_mode="mostrecent",
)
CACHE_LIVE_BYTES = Gauge(
    "altlas_archive_cache_bytes", "Bytes of them, as of the last census.", ["route"], multiprocess_mode="mostrecent"
)
CACHE_FAILURES = Counter("altlas_archive_cache_failures_total", "Calls that Redis did not answer.")
SLOW_QUERIES = Counter("altlas_archive_slow_queries_total", "Statements over ALTLAS_ARCHIVE_SLOW_AFTER.", ["route"])
SLOW_DROPPED = Counter("altlas_archive_slow_queries_dropped_total", "Slow statements that could not be written down.")

REPLICA_READS = Counter("altlas_archive_replica_reads_total", "Reads by the database that they went to.", ["database"])
BULKHEAD_REFUSED = Counter(
    "altlas_archive_refused_total", "Requests refused because all places of the archive were taken."
)
POOL_SIZE = Gauge("altlas_archive_pool_connections", "Open database connections.", multiprocess_mode="livesum")
POOL_AVAILABLE = Gauge(
    "altlas_archive_pool_available", "Open database connections nobody uses.", multiprocess_mode="livesum"
)
POOL_WAITING = Gauge("altlas_archive_pool_waiting", "Requests that wait for a connection.", multiprocess_mode="livesum")
POOL_MAXIMUM = Gauge("altlas_archive_pool_maximum", "Database connections at most.", multiprocess_mode="livesum")


@contextmanager
def timed(route: str) -> Iterator[None]:
    """Measure the block as one call of ``route``, and name it as the caller of slow statements in it."""
    begin = perf_counter()
    caller = ROUTE.set(route)
    try:
        yield
    except Exception as exc:
        QUERY_ERRORS.labels(route, type(exc).__name__).inc()
        raise
    finally:
        ROUTE.reset(caller)
        QUERY_SECONDS.labels(route).observe(perf_counter() - begin)
