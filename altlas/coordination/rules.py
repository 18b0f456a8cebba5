"""What counts as a risk or blocker. Pure: what is known goes in, findings come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from altlas.coordination.statuses import ItemStatus

LOW, MEDIUM, HIGH, CRITICAL = 1, 2, 3, 4


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemView:
    row: str
    title: str
    derived: ItemStatus
    why: str
    due: date | None
    done: bool
    # What speaks against it: names of verifications, "tests", "person".
    red: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceView:
    name: str
    title: str
    state: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertView:
    """An alert that is firing."""

    rule: str
    key: str
    severity: str
    summary: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Runs of a day that counted, and how many of them failed."""

    total: int
    failed: int
    allowed: float
    least: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """``rule`` is the same as long as the finding is the same: one open risk for each."""

    rule: str
    kind: str
    severity: int
    title: str
    detail: str
    row: str | None = None


def findings(
    *,
    items: Sequence[ItemView],
    services: Iterable[ServiceView],
    budget: Budget,
    today: date,
    alerts: Iterable[AlertView] = (),
) -> list[Finding]:
    return [
        *_evidence(items),
        *_dates(items, today),
        *_services(services),
        *_alerts(alerts),
        *_budget(budget),
    ]


def _evidence(items: Sequence[ItemView]) -> Iterator[Finding]:
    # One for every red source, not for every row that it proves: one fault is one blocker.
    sources: dict[str, list[ItemView]] = {}
    for item in items:
        if item.derived is ItemStatus.FAILING:
            for source in item.red:
                # A person or the tests speak of a row; a verification speaks of all its rows at once.
                key = source if "." in source else f"{source} {item.row}"
                sources.setdefault(key, []).append(item)
    for source, rows in sources.items():
        yield Finding(
            rule=f"failing {source}",
            kind="blocker",
            severity=HIGH,
            title=f"{source} is red",
            detail=f"{rows[0].why}\nRows: {', '.join(item.row for item in rows)}",
            row=rows[0].row,
        )
    for item in items:
        if item.derived is ItemStatus.STALE:
            yield Finding(
                rule=f"stale {item.row}",
                kind="risk",
                severity=MEDIUM,
                title=f"The evidence for {item.row} is stale",
                detail=item.why,
                row=item.row,
            )


def _dates(items: Sequence[ItemView], today: date) -> Iterator[Finding]:
    for item in items:
        if item.due is not None and item.due < today and not item.done:
            yield Finding(
                rule=f"missed {item.row}",
                kind="blocker",
                severity=MEDIUM,
                title=f"{item.row} is overdue",
                detail=f"{item.title} was due on {item.due:%Y-%m-%d}.",
                row=item.row,
            )


def _services(services: Iterable[ServiceView]) -> Iterator[Finding]:
    for service in services:
        if service.state in ("failing", "warning"):
            failing = service.state == "failing"
            yield Finding(
                rule=f"service {service.name}",
                kind="blocker" if failing else "risk",
                severity=CRITICAL if failing else MEDIUM,
                title=f"{service.title}: {'failing' if failing else 'warning'}",
                detail=service.reason,
            )


def _alerts(alerts: Iterable[AlertView]) -> Iterator[Finding]:
    for alert in alerts:
        yield Finding(
            rule=f"alert {alert.rule} {alert.key}".strip()[:120],
            kind="risk",
            severity=CRITICAL if alert.severity == "critical" else HIGH,
            title=f"Alert: {alert.rule} {alert.key}".strip(),
            detail=alert.summary,
        )


def _budget(budget: Budget) -> Iterator[Finding]:
    if budget.total >= budget.least and budget.failed > budget.allowed * budget.total:
        yield Finding(
            rule="budget segmentation",
            kind="risk",
            severity=HIGH,
            title="The error budget of segmentation is burnt",
            detail=f"{budget.failed} of {budget.total} runs of the last day failed; "
            f"{budget.allowed:.1%} may ({budget.allowed * budget.total:.0f}).",
        )
