"""Retention: records older than their kind's rule are deleted for good, in batches, never one on hold.

Not the soft delete: rows go, with their revisions. An audit row says how many, under which rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from altlas.kernel.clock import now
from archive import audit, cache, partitions
from archive.database import fetch
from archive.deadlines import Deadline, write
from archive.models import RetentionRule

_BATCH = 1_000
_COUNT_SECONDS = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a rule would delete (dry run) or has deleted; ``held`` are kept although they are old enough."""

    kind: str
    days: int
    before: datetime
    enabled: bool
    records: int
    held: int


def dry_run(*, kind: str | None = None) -> list[Verdict]:
    """Count what every rule would delete now, whether it is enabled or not; nothing is changed."""
    rules = RetentionRule.objects.all() if kind is None else RetentionRule.objects.filter(kind=kind)
    return [_counted(rule) for rule in rules]


def apply(*, actor_id: UUID | None = None) -> list[Verdict]:
    """Delete what the enabled rules say, in transactions of a thousand; may be stopped and called again."""
    whole = _whole_months(actor_id) if partitions.active() else {}
    verdicts = [_applied(rule, actor_id) for rule in RetentionRule.objects.filter(enabled=True)]
    return [replace(verdict, records=verdict.records + whole.get(verdict.kind, 0)) for verdict in verdicts]


def _whole_months(actor_id: UUID | None) -> dict[str, int]:
    """Drop the months of which every record is to go anyway; return how many records of each kind went so."""
    limits = {rule.kind: _before(rule) for rule in RetentionRule.objects.filter(enabled=True)}
    gone: dict[str, int] = {}
    for month in list(partitions.months()):
        found = partitions.contents(month)
        if not found or not all(
            kind in limits and not held and newest < limits[kind] for _, kind, _, held, newest in found
        ):
            continue
        with write():
            for owner_id, kind, count, _, _ in found:
                gone[kind] = gone.get(kind, 0) + count
                audit.note(
                    "retention",
                    actor_id=actor_id,
                    owner_id=owner_id,
                    kind=kind,
                    records=count,
                    partition=month.table,
                )
                cache.invalidate(owner_id)
            partitions.drop(month)
    return gone


def _before(rule: RetentionRule) -> datetime:
    return now() - timedelta(days=rule.days)


def _counted(rule: RetentionRule) -> Verdict:
    before = _before(rule)
    rows = fetch(
        "SELECT count(*) FILTER (WHERE NOT on_hold), count(*) FILTER (WHERE on_hold) FROM archive_record "
        "WHERE kind = %s AND created_at < %s",
        [rule.kind, before],
        deadline=Deadline.within(_COUNT_SECONDS),
    )
    return Verdict(
        kind=rule.kind, days=rule.days, before=before, enabled=rule.enabled, records=rows[0][0], held=rows[0][1]
    )


def _applied(rule: RetentionRule, actor_id: UUID | None) -> Verdict:
    before = _before(rule)
    total = 0
    while True:
        deleted = _batch(rule, before, actor_id)
        total += deleted
        if deleted < _BATCH:
            break
    held = fetch(
        "SELECT count(*) FROM archive_record WHERE kind = %s AND created_at < %s AND on_hold",
        [rule.kind, before],
        deadline=Deadline.within(_COUNT_SECONDS),
    )[0][0]
    return Verdict(kind=rule.kind, days=rule.days, before=before, enabled=True, records=total, held=held)


# SKIP LOCKED: a record that somebody edits or holds at this moment is looked at again in the next run.
_DELETE = """
WITH old AS (SELECT id FROM archive_record WHERE kind = %s AND created_at < %s AND NOT on_hold
             ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED),
     revisions AS (DELETE FROM archive_recordrevision WHERE record_id IN (SELECT id FROM old))
DELETE FROM archive_record WHERE id IN (SELECT id FROM old) AND NOT on_hold RETURNING owner_id
"""


def _batch(rule: RetentionRule, before: datetime, actor_id: UUID | None) -> int:
    with write():
        with connection.cursor() as cursor:
            cursor.execute(_DELETE, [rule.kind, before, _BATCH])
            owners = [row[0] for row in cursor.fetchall()]
        for owner_id in sorted(set(owners)):
            audit.note(
                "retention",
                actor_id=actor_id,
                owner_id=owner_id,
                kind=rule.kind,
                days=rule.days,
                records=owners.count(owner_id),
            )
            cache.invalidate(owner_id)
    return len(owners)
