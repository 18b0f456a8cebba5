"""Figures over time, one a minute, for trends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from altlas.kernel.clock import now
from altlas.kernel.models import Sample


def samples_write(values: Mapping[str, float], *, at: datetime | None = None) -> None:
    """Keep one sample of each series."""
    moment = at or now()
    Sample.objects.bulk_create([Sample(series=name[:100], at=moment, value=value) for name, value in values.items()])


def series(
    names: Sequence[str], *, hours: float = 24, points: int = 96, until: datetime | None = None
) -> dict[str, list[tuple[int, float]]]:
    """Return (Unix time, value) of each series, oldest first: the last sample of each of at most ``points`` slots."""
    end = until or now()
    start = end - timedelta(hours=hours)
    slot = max(1.0, hours * 3600 / points)
    found: dict[str, dict[int, tuple[int, float]]] = {name: {} for name in names}
    rows = Sample.objects.filter(series__in=list(names), at__gte=start, at__lte=end).order_by("at")
    for name, at, value in rows.values_list("series", "at", "value").iterator():
        found[name][int((at - start).total_seconds() // slot)] = (int(at.timestamp()), value)
    return {name: list(slots.values()) for name, slots in found.items()}
