from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from altlas.kernel.clock import now
from archive.doctor import activity, indexes, pool, statements
from archive.doctor.finding import Finding, Level

_AREAS: tuple[Callable[[], Iterator[Finding]], ...] = (
    indexes.findings, activity.findings, pool.findings, statements.findings,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    at: datetime
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        return not any(finding.level is Level.WARNING for finding in self.findings)


def examine() -> Report:
    """Ask PostgreSQL's catalogues and counters; the archive's rows are not touched."""
    order = list(Level)[::-1]
    with transaction.atomic():
        found = [finding for area in _AREAS for finding in area()]
    return Report(at=now(), findings=tuple(sorted(found, key=lambda finding: order.index(finding.level))))
