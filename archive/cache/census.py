"""How much lies in the cache, and how well it does, by route."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry, multiprocess

from archive.cache import connection
from archive.metrics import CACHE_ENTRIES, CACHE_LIVE_BYTES

ROUTES = ("list", "search", "stats")
# Enough to be right on most installations and bounded on all; beyond, the figures say "at least".
_MOST = 50_000
_STEP = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteFigures:
    """``hit_rate`` is None before the first read; entries and bytes are None when Redis does not answer."""

    route: str
    reads: int
    hit_rate: float | None
    saved_seconds: float
    entries: int | None
    bytes: int | None


def count() -> dict[str, tuple[int, int]] | None:
    """Return entries and bytes of every route by looking at the keys; None when Redis does not answer."""
    found = connection.attempt(_counted)
    for route, (entries, size) in (found or {}).items():
        CACHE_ENTRIES.labels(route).set(entries)
        CACHE_LIVE_BYTES.labels(route).set(size)
    return found


def figures() -> list[RouteFigures]:
    """Return the figures of every route, over all processes of this machine."""
    reads, hits, saved = _told()
    lying = count()
    return [
        RouteFigures(
            route=route,
            reads=int(reads.get(route, 0)),
            hit_rate=hits.get(route, 0) / reads[route] if reads.get(route) else None,
            saved_seconds=saved.get(route, 0.0),
            entries=None if lying is None else lying[route][0],
            bytes=None if lying is None else lying[route][1],
        )
        for route in ROUTES
    ]


def _counted(redis: Any) -> dict[str, tuple[int, int]]:
    found = dict.fromkeys(ROUTES, (0, 0))
    for route in ROUTES:
        keys: list[bytes] = []
        for key in redis.scan_iter(match=f"archive:{route}:*", count=_STEP):
            if not key.endswith(b":flight"):
                keys.append(key)
            if len(keys) >= _MOST:
                break
        size = 0
        for begin in range(0, len(keys), _STEP):
            with redis.pipeline(transaction=False) as pipe:
                for key in keys[begin : begin + _STEP]:
                    pipe.strlen(key)
                size += sum(pipe.execute())
        found[route] = (len(keys), size)
    return found


def _told() -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    reads: dict[str, float] = {}
    hits: dict[str, float] = {}
    saved: dict[str, float] = {}
    for sample in _samples():
        route = sample.labels.get("route", "")
        if sample.name == "altlas_archive_cache_reads_total":
            reads[route] = reads.get(route, 0) + sample.value
            if sample.labels["outcome"] in ("hit", "wait"):
                hits[route] = hits.get(route, 0) + sample.value
        elif sample.name == "altlas_archive_cache_saved_seconds_total":
            saved[route] = saved.get(route, 0) + sample.value
    return reads, hits, saved


def _samples() -> Iterable[Any]:
    registry: Any = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # has no types
    for metric in registry.collect():
        if metric.name.startswith("altlas_archive_cache_"):
            yield from metric.samples
