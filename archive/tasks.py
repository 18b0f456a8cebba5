"""Doors for periodic work; each may be delivered twice or late without harm."""

from __future__ import annotations

import logging

from celery import shared_task

from archive import aggregates, partitions, retention, upkeep
from archive.cache import census
from archive.slow import book

logger = logging.getLogger(__name__)


@shared_task(name="archive.stats_refresh", soft_time_limit=600, time_limit=660)
def stats_refresh() -> None:
    logger.info("statistics: %s", aggregates.refresh())


@shared_task(name="archive.purge", soft_time_limit=600, time_limit=660)
def purge() -> None:
    logger.info("idempotency keys purged: %s", upkeep.purge_idempotency_keys())


@shared_task(name="archive.slow_plans", soft_time_limit=60, time_limit=90)
def slow_plans() -> None:
    logger.info("plans of slow statements taken: %s", book.explain_new())


@shared_task(name="archive.cache_census", soft_time_limit=60, time_limit=90)
def cache_census() -> None:
    logger.info("cache, entries and bytes by route: %s", census.count())


@shared_task(name="archive.retention", soft_time_limit=3600, time_limit=3660)
def retain() -> None:
    for verdict in retention.apply():
        logger.info("retention of %s: %s deleted, %s on hold", verdict.kind, verdict.records, verdict.held)


@shared_task(name="archive.partitions", soft_time_limit=60, time_limit=90)
def next_partitions() -> None:
    logger.info("partitions made: %s", partitions.ensure())
