"""The daily run: what is, what changed since yesterday, what blocks, what is at risk; stored and mailed."""

from __future__ import annotations

import logging
import smtplib
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from altlas.coordination import summary
from altlas.coordination.conf import conf
from altlas.coordination.models import DailySummary, Subscription, VerificationRun
from altlas.coordination.rules import AlertView, Budget, Finding, ItemView, ServiceView, findings
from altlas.coordination.selectors import (
    ItemState,
    fault_summaries,
    item_states,
    latest_daily,
    latest_runs,
    open_risks,
)
from altlas.coordination.services.risks import risks_reconcile
from altlas.coordination.services.runs import runs_tend
from altlas.coordination.statuses import RED, ItemStatus
from altlas.kernel.clock import SYSTEM, Clock
from altlas.kernel.models import Alert

logger = logging.getLogger(__name__)
_DAYS = 14


def daily_run(*, clock: Clock = SYSTEM) -> DailySummary:
    """Write the summary of the day of ``clock`` and mail it; a second run of it mails nobody again."""
    moment = clock.now()
    day = moment.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    runs_tend(moment=moment, send=False)
    states = item_states(now=moment)
    risks_reconcile(findings=found(states, moment=moment, day=day), moment=moment)
    content = _content(states, day=day, moment=moment)
    with transaction.atomic():
        stored, _created = DailySummary.objects.update_or_create(
            day=day, defaults={"made_at": moment, "content": content, "text": summary.as_text(content)}
        )
    if not stored.mailed_to:
        stored.mailed_to = _mail(content)
        stored.save(update_fields=["mailed_to"])
    return stored


def found(states: list[ItemState], *, moment: datetime, day: date) -> list[Finding]:
    """Return what the rules find now."""
    from altlas.console.cards import cards
    from segmentation.selectors import outcomes_since

    outcomes = outcomes_since(moment - timedelta(days=1))
    items = [
        ItemView(
            row=state.item.row,
            title=state.item.title,
            derived=state.derived,
            why=state.why,
            due=state.item.due,
            done=state.status is ItemStatus.VERIFIED,
            red=tuple(piece.source for piece in state.pieces if piece.verdict == "red"),
        )
        for state in states
    ]
    services = [
        ServiceView(name=card["name"], title=str(card["title"]), state=card["state"], reason=str(card["reason"]))
        for card in cards()
    ]
    budget = Budget(
        total=sum(outcomes.values()),
        failed=outcomes.get("failed", 0),
        allowed=conf.error_budget,
        least=conf.error_budget_least,
    )
    alerts = [
        AlertView(rule=alert.rule_id, key=alert.key, severity=alert.severity, summary=alert.summary)
        for alert in Alert.objects.filter(state=Alert.State.FIRING)
    ]
    return findings(items=items, services=services, budget=budget, today=day, alerts=alerts)


def _content(states: list[ItemState], *, day: date, moment: datetime) -> dict[str, Any]:
    before = latest_daily(before=day)
    runs = latest_runs()
    risks = open_risks()
    return {
        "day": day.isoformat(),
        "made_at": moment.isoformat(),
        "faults": [
            {"fault": fault.fault, "counts": fault.counts, "total": fault.total, "state": fault.state}
            for fault in fault_summaries(states=states)
        ],
        "statuses": {state.item.row: state.status.value for state in states},
        "changed": _changed(states, before.content.get("statuses", {}) if before else {}),
        "since": before.day.isoformat() if before else None,
        "red": [
            {"name": run.name, "load": run.load, "drill": run.sabotaged, "reasons": run.reasons}
            for run in runs.values()
            if run.status in RED
        ],
        "blockers": [_risk(risk) for risk in risks if risk.kind == "blocker"],
        "risks": [_risk(risk) for risk in risks if risk.kind == "risk"],
        "figures": _figures(states, runs, day, blockers=sum(risk.kind == "blocker" for risk in risks)),
    }


def _changed(states: list[ItemState], before: dict[str, str]) -> list[dict[str, str]]:
    return [
        {
            "row": state.item.row,
            "title": state.item.title,
            "before": before[state.item.row],
            "after": state.status.value,
        }
        for state in states
        if state.item.row in before and before[state.item.row] != state.status.value
    ]


def _risk(risk: Any) -> dict[str, Any]:
    shown = asdict(risk)
    return {**shown, "age": risk.age.total_seconds()}


def _figures(
    states: list[ItemState], runs: dict[str, VerificationRun], day: date, *, blockers: int
) -> list[dict[str, Any]]:
    figures: list[dict[str, Any]] = [
        {"key": "rows verified", "value": sum(s.status is ItemStatus.VERIFIED for s in states), "unit": ""},
        {"key": "rows failing", "value": sum(s.status is ItemStatus.FAILING for s in states), "unit": ""},
        {"key": "open blockers", "value": blockers, "unit": ""},
    ]
    for name, run in sorted(runs.items()):
        for threshold in run.thresholds[:1]:
            value = run.metrics.get(threshold["metric"])
            if value is not None:
                figures.append({"key": f"{name}: {threshold['metric']}", "value": value, "unit": threshold["unit"]})
    earlier = DailySummary.objects.filter(day__lt=day, day__gte=day - timedelta(days=_DAYS)).order_by("day")
    history: dict[str, list[float]] = {}
    for content in earlier.values_list("content", flat=True):
        for figure in content.get("figures", ()):
            history.setdefault(figure["key"], []).append(figure["value"])
    return [{**figure, "points": [*history.get(figure["key"], ()), figure["value"]]} for figure in figures]


def _mail(content: dict[str, Any]) -> int:
    """Mail the summary to the subscribed staff, each in their language; return to how many."""
    sent = 0
    for subscription in Subscription.objects.select_related("user").filter(user__is_active=True, user__is_staff=True):
        if not subscription.user.email:
            continue
        with translation.override(subscription.language):
            subject = _("[ALT_LAS] Daily summary of %(day)s") % {"day": content["day"]}
            text = summary.as_text(content)
        try:
            sent += send_mail(subject=subject, message=text, from_email=None, recipient_list=[subscription.user.email])
        except (OSError, smtplib.SMTPException) as exc:
            logger.warning("the daily summary could not be mailed to %s: %s", subscription.user, exc)
    return sent
