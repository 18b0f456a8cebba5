"""The table of slow statements: written by every process, explained by one, and never large."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db import connection

from altlas.kernel.clock import now
from archive.models import SlowQuery
from archive.slow import advice, plans
from archive.slow.capture import Observation

_MOST = 500
_REPLAN = timedelta(hours=6)
_PLANS_OF_ONE_TURN = 20

# Processes meet in one row, so sums are made by the database.
_UPSERT = """
INSERT INTO archive_slowquery AS known (fingerprint, route, statement, parameter_types, count, timeouts, total_ms,
                                        max_ms, histogram, suggestion, first_seen, last_seen)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, '', %s, %s)
ON CONFLICT (fingerprint, route) DO UPDATE SET
    count = known.count + EXCLUDED.count, timeouts = known.timeouts + EXCLUDED.timeouts,
    total_ms = known.total_ms + EXCLUDED.total_ms, max_ms = greatest(known.max_ms, EXCLUDED.max_ms),
    histogram = ARRAY(SELECT coalesce(a, 0) + coalesce(b, 0)
                      FROM unnest(known.histogram, EXCLUDED.histogram) WITH ORDINALITY AS pair (a, b, place)
                      ORDER BY place),
    last_seen = EXCLUDED.last_seen
"""


def write(found: Mapping[tuple[str, str], Observation]) -> None:
    moment = now()
    with connection.cursor() as cursor:
        # In one order everywhere, so that two processes cannot wait for each other.
        for (fingerprint, route), seen in sorted(found.items()):
            prefix = "".join(f"SET LOCAL {name} = {value}; " for name, value in seen.planner.items())
            cursor.execute(
                _UPSERT,
                [
                    fingerprint, route, prefix + seen.statement, seen.types, seen.count, seen.timeouts, seen.total,
                    seen.longest, seen.counts, moment, moment,
                ],
            )  # fmt: skip
        cursor.execute(
            "DELETE FROM archive_slowquery WHERE id IN "
            "(SELECT id FROM archive_slowquery ORDER BY last_seen DESC, id DESC OFFSET %s)",
            [_MOST],
        )


def explain_new() -> int:
    """Take plans of statements that have none, or an old one; return how many were taken."""
    moment = now()
    waiting = SlowQuery.objects.filter(planned_at__isnull=True) | SlowQuery.objects.filter(
        planned_at__lt=moment - _REPLAN, last_seen__gte=moment - _REPLAN
    )
    taken = 0
    for row in waiting.order_by("-last_seen")[:_PLANS_OF_ONE_TURN]:
        row.plan = plans.generic(row.statement)
        row.suggestion = "" if row.plan is None else advice.index_for(row.plan, plans.known_indexes(row.plan))
        row.planned_at = moment
        row.save(update_fields=["plan", "suggestion", "planned_at"])
        taken += row.plan is not None
    return taken
