"""The aggregates behind the statistics: one materialized view, refreshed without blocking its readers."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import connection, transaction

from altlas.kernel.clock import monotonic, now
from archive import partitions
from archive.conf import conf
from archive.database import fetch
from archive.metrics import REFRESH_SECONDS
from archive.models import ViewRefresh

logger = logging.getLogger(__name__)
VIEW = "archive_stats"
_WRITTEN = (
    "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables "  # noqa: S608  # fixed text
    f"WHERE relid IN ({partitions.PARTS})"
)
_LOCK = 0x61726368  # any number that only this refresh uses


class Outcome(StrEnum):
    REFRESHED = "refreshed"
    UNCHANGED = "unchanged"  # nothing was written since
    RESTING = "resting"  # the last one was so dear that another now would take more than a fifth of the time
    RUNNING = "running"  # another process does it


def refresh(*, force: bool = False) -> Outcome:
    """Bring the view up to date unless that is not needed or under way; ``force`` asks no question but the last."""
    moment, begin = now(), monotonic()
    last = ViewRefresh.objects.filter(view=VIEW).first()
    written = _written()
    if not force and last is not None and (reason := _spared(last, written, moment)):
        return reason
    with transaction.atomic():
        # Held until commit, so it cannot outlive this transaction, however that ends.
        if not fetch("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])[0][0]:
            return Outcome.RUNNING
        with connection.cursor() as cursor:
            # One process: nobody waits for a refresh, and its helpers would take the cores from those who read.
            cursor.execute(
                "SELECT set_config('statement_timeout', %s, true), "
                "set_config('max_parallel_workers_per_gather', '0', true)",
                [str(int(conf.refresh_timeout * 1000))],
            )
            cursor.execute(f"REFRESH MATERIALIZED VIEW CONCURRENTLY {VIEW}")
        seconds = monotonic() - begin
        ViewRefresh.objects.update_or_create(
            view=VIEW, defaults={"as_of": moment, "seconds": seconds, "written": written}
        )
    REFRESH_SECONDS.observe(seconds)
    return Outcome.REFRESHED


def as_of() -> datetime | None:
    """Return the time that the view shows; None when it was never refreshed."""
    return ViewRefresh.objects.filter(view=VIEW).values_list("as_of", flat=True).first()


def _spared(last: ViewRefresh, written: int, moment: datetime) -> Outcome | None:
    if last.written == written:
        return Outcome.UNCHANGED
    if moment - last.as_of < timedelta(seconds=last.seconds * 5):
        return Outcome.RESTING
    return None


def _written() -> int:
    """Return how many rows of the table were ever written; it lags by about a second, which the next turn makes up."""
    rows = fetch(_WRITTEN)
    return int(rows[0][0] or 0)
