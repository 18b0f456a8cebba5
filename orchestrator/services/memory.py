"""Keeping the memory watch's readings, and raising and ending its alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from altlas.kernel import clock
from altlas.kernel.alerting import raise_alert, resolve_alert
from altlas.kernel.models import Alert
from orchestrator.models import MemorySample
from orchestrator.watch.alert_rules import HARD, SOFT
from orchestrator.watch.conf import conf
from orchestrator.watch.readings import Reading
from orchestrator.watch.thresholds import Crossing, Level

_MB = 2**20
_RULES = {Level.SOFT: SOFT, Level.HARD: HARD}


def memory_samples_record(*, node: str, at: datetime, readings: Sequence[Reading]) -> None:
    MemorySample.objects.bulk_create(
        MemorySample(node=node, at=at, **{**asdict(reading), "told": dict(reading.told)}) for reading in readings
    )


def memory_samples_purge(*, node: str) -> int:
    """Delete what is too old or too much of ``node``'s series; return how many rows went."""
    samples = MemorySample.objects.filter(node=node)
    gone, _ = samples.filter(at__lt=clock.now() - timedelta(hours=conf.keep_hours)).delete()
    edge = samples.order_by("-id").values_list("id", flat=True)[conf.keep_rows : conf.keep_rows + 1].first()
    if edge is not None:
        more, _ = samples.filter(id__lte=edge).delete()
        gone += more
    return gone


def memory_alerts_set(*, node: str, standing: Sequence[Crossing]) -> None:
    """Have an alert fire for everything that is above a limit now and for nothing else of ``node``.

    What fires is read from the table: the watch that raised it may have ended, or a round of it been lost.
    """
    prefix = f"{node}: "
    wanted = {(_RULES[found.level], f"{prefix}{found.name} ({found.pid})"[:200]): found for found in standing}
    alerts = Alert.objects.filter(rule_id__in=_RULES.values(), state=Alert.State.FIRING, key__startswith=prefix)
    firing = set(alerts.values_list("rule_id", "key"))
    for name, key in firing - wanted.keys():
        resolve_alert(name, key=key)
    for name, key in wanted.keys() - firing:
        crossing = wanted[name, key]
        raise_alert(name, key=key, summary=_summary(crossing), detail=_detail(node, crossing))


def _summary(crossing: Crossing) -> str:
    held, limit = crossing.value / _MB, crossing.limit / _MB
    return f"{crossing.name} holds {held:,.0f} MB, its {crossing.level} limit is {limit:,.0f} MB: {crossing.action}"


def _detail(node: str, crossing: Crossing) -> dict[str, str | int]:
    return {
        "node": node,
        "kind": crossing.kind,
        "name": crossing.name,
        "pid": crossing.pid,
        "bytes": crossing.value,
        "limit_bytes": crossing.limit,
        "action": crossing.action.value,
    }
