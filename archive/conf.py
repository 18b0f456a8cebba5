"""Settings of the archive."""

from __future__ import annotations

from dataclasses import dataclass

from altlas.kernel import env


@dataclass(kw_only=True, slots=True)
class Conf:
    max_text: int = env.integer(
        "ALTLAS_ARCHIVE_MAX_TEXT", 4_000_000, minimum=1_000, help="Longest text of one record, in code points."
    )
    max_payload: int = env.size_bytes(
        "ALTLAS_ARCHIVE_MAX_PAYLOAD", 16 * 2**20, minimum=1024, shown="16M", help="Largest JSON payload of one record."
    )
    page_default: int = env.integer(
        "ALTLAS_ARCHIVE_PAGE_DEFAULT", 50, minimum=1, maximum=200, help="Records of a page when `limit` is not given."
    )
    cursor_ttl: float = env.seconds(
        "ALTLAS_ARCHIVE_CURSOR_TTL", 86_400, minimum=1, help="How long a page cursor is accepted."
    )
    exact_below: int = env.integer(
        "ALTLAS_ARCHIVE_EXACT_BELOW",
        20_000,
        minimum=0,
        help="Owners with fewer embedded records are searched exactly; others through the HNSW index.",
    )
    rank_candidates: int = env.integer(
        "ALTLAS_ARCHIVE_RANK_CANDIDATES",
        1_000,
        minimum=50,
        maximum=20_000,
        help="Newest matches of a text search that are ranked; bounds the work for common words.",
    )
    facet_rows: int = env.integer(
        "ALTLAS_ARCHIVE_FACET_ROWS",
        5_000,
        minimum=1,
        maximum=100_000,
        help="Newest matches of a search that are counted for its facets.",
    )
    search_timeout: float = env.seconds(
        "ALTLAS_ARCHIVE_SEARCH_TIMEOUT", 5, minimum=0.05, help="Longest statement of a search before 504."
    )
    list_timeout: float = env.seconds(
        "ALTLAS_ARCHIVE_LIST_TIMEOUT",
        5,
        minimum=0.05,
        help="Longest statement of a list or a single record before 504.",
    )
    count_timeout: float = env.seconds(
        "ALTLAS_ARCHIVE_COUNT_TIMEOUT",
        1,
        minimum=0.05,
        help="Longest exact count; then the planner's estimate is given.",
    )
    write_timeout: float = env.seconds(
        "ALTLAS_ARCHIVE_WRITE_TIMEOUT", 10, minimum=0.05, help="Longest statement of a write before 504."
    )
    lock_timeout: float = env.seconds(
        "ALTLAS_ARCHIVE_LOCK_TIMEOUT", 2, minimum=0.05, help="Longest wait of a write for a row's lock before 503."
    )
    stats_live_below: int = env.integer(
        "ALTLAS_ARCHIVE_STATS_LIVE_BELOW",
        2_000,
        minimum=0,
        help="Owners with fewer records get statistics of this moment; others those of the last refresh.",
    )
    refresh_timeout: float = env.seconds(
        "ALTLAS_ARCHIVE_REFRESH_TIMEOUT", 300, minimum=1, help="Longest refresh of the statistics."
    )
    exports: int = env.integer(
        "ALTLAS_ARCHIVE_EXPORTS",
        2,
        minimum=1,
        help="Exports that one process streams at once, each on its own connection.",
    )
    export_timeout: float = env.seconds(
        "ALTLAS_ARCHIVE_EXPORT_TIMEOUT", 600, minimum=1, help="Longest export, from its first to its last byte."
    )
    cache_enabled: bool = env.flag("ALTLAS_ARCHIVE_CACHE", True, help="Keep rendered answers of the archive in Redis.")
    cache_ttl: float = env.seconds(
        "ALTLAS_ARCHIVE_CACHE_TTL",
        30,
        minimum=0.1,
        help="How long a cached answer lives; also bounds a lost invalidation.",
    )
    cache_max_value: int = env.size_bytes(
        "ALTLAS_ARCHIVE_CACHE_MAX_VALUE", 256 * 2**10, minimum=1024, shown="256K", help="Largest answer that is cached."
    )
    cache_wait: float = env.seconds(
        "ALTLAS_ARCHIVE_CACHE_WAIT", 1, help="How long a reader waits for the same answer that another one is making."
    )
    cache_pause: float = env.seconds(
        "ALTLAS_ARCHIVE_CACHE_PAUSE", 5, help="How long a process leaves a cache alone that did not answer."
    )
    concurrent: int = env.integer(
        "ALTLAS_ARCHIVE_CONCURRENT",
        0,
        minimum=0,
        help="Archive requests that one web process works on at once; further ones get 503. "
        "0 means ALTLAS_WEB_THREADS less 2.",
    )
    partitions: str = env.choice(
        "ALTLAS_ARCHIVE_PARTITIONS",
        "none",
        choices=("none", "month"),
        help="`month`, set before the first start, keeps records in partitions by month, so that retention can drop "
        "whole months; every page then asks every month. For tens of millions of records.",
    )
    replica_pin: float = env.seconds(
        "ALTLAS_ARCHIVE_REPLICA_PIN",
        10,
        minimum=0.1,
        help="How long after a write its owner's records are read from the primary; longer than the replica ever lags.",
    )
    slow_after: float = env.seconds(
        "ALTLAS_ARCHIVE_SLOW_AFTER", 0.2, help="Statements that take longer are written down; 0 switches that off."
    )
    slow_write_every: float = env.seconds(
        "ALTLAS_ARCHIVE_SLOW_WRITE_EVERY", 5, help="Shortest time between two writings of slow statements by a process."
    )
    idempotency_ttl: float = env.seconds(
        "ALTLAS_ARCHIVE_IDEMPOTENCY_TTL", 86_400, minimum=1, help="How long the answer of an Idempotency-Key is kept."
    )
    stats_timeout: float = env.seconds(
        "ALTLAS_ARCHIVE_STATS_TIMEOUT", 5, minimum=0.05, help="Longest statement of the statistics before 504."
    )


conf = Conf()

# Width of the embedding column. Another model's width needs a migration, so this is not a setting.
EMBEDDING_DIMENSIONS = 384
PAGE_MAXIMUM = 200
TITLE_MAXIMUM = 300
KIND_MAXIMUM = 64
TAGS_MAXIMUM = 32
TAG_MAXIMUM = 64
LANGUAGE_MAXIMUM = 16
