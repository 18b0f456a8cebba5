"""What the landing page shows beside the cards; each panel is None for those who may not see it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import DatabaseError
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from altlas.console.cards import cards, state_names
from altlas.console.sampling import series_of
from altlas.kernel import samples, slow_queries
from altlas.kernel.alerting import rules
from altlas.kernel.alerting.telling import silenced
from altlas.kernel.clock import now
from altlas.kernel.ledger import operating
from altlas.kernel.models import Alert, TaskRecord
from orchestrator.selectors import cache_state

logger = logging.getLogger(__name__)
User = AbstractBaseUser | AnonymousUser
_DAILY = ("coordination", "DailySummary")
_TRENDS = ("orchestrator.hit_rate", "archive.hit_rate", "console.waiting")


def landing(user: User) -> dict[str, Any]:
    """Return everything that the page shows, as JSON members, in the language of the moment."""
    shown = cards()
    names = [f"{card['name']}.{card['trend']}" for card in shown if card["trend"]]
    history = _or_nothing(lambda: samples.series([*names, *_TRENDS])) or {}
    for card in shown:
        card["state_name"] = state_names()[card["state"]]
        card["series"] = history.get(f"{card['name']}.{card['trend']}", [])
    measures = series_of(shown)
    return {
        "cards": shown,
        "alerts": _allowed(user, "kernel.view_alert", _alerts),
        "jobs": _allowed(user, "kernel.view_taskrecord", _jobs),
        "nodes": _allowed(user, "orchestrator.view_node", _nodes),
        "rates": _rates(measures, history),
        "slow": _allowed(user, "kernel.view_sample", _slow),
        "summary": _or_nothing(_summary),
        "trend_label": _("last 24 hours"),
    }


def _allowed(user: User, permission: str, panel: Callable[[], Any]) -> Any:
    return _or_nothing(panel) if getattr(user, "has_perm", lambda _name: False)(permission) else None


def _or_nothing(panel: Callable[[], Any]) -> Any:
    try:
        return panel()
    except DatabaseError as exc:
        logger.warning("a panel of the landing page is empty: %s", exc)
        return None


def _alerts() -> dict[str, Any]:
    moment = now()
    firing = Alert.objects.filter(state=Alert.State.FIRING).order_by("severity", "-last_at")
    return {
        "total": firing.count(),
        "link": reverse("admin:kernel_alert_changelist"),
        "items": [
            {
                "title": rules.title(alert.rule_id),
                "key": alert.key,
                "severity": alert.severity,
                "severity_name": alert.get_severity_display(),
                "summary": alert.summary,
                "since": _clock(alert.first_at),
                "silenced": silenced(alert, moment),
                "link": reverse("admin:kernel_alert_change", args=[alert.pk]),
            }
            for alert in firing[:8]
        ],
    }


def _jobs() -> dict[str, Any]:
    counts = operating.counts()
    names = dict(TaskRecord.State.choices)
    return {
        "counts": [{"state": state, "name": str(names[state]), "count": count} for state, count in counts.items()],
        "queues": operating.queues(),
        "link": reverse("admin:kernel_taskrecord_changelist"),
    }


def _nodes() -> dict[str, Any]:
    return {
        "link": reverse("admin:orchestrator_node_cache"),
        "items": [
            {
                "name": node["name"],
                "used": node["used_bytes"],
                "budget": node["budget_bytes"],
                "models": sum(replica["state"] == "ready" for replica in node["replicas"]),
                "waiting": node.get("waiting", 0),
                "lane": node.get("lane", 0),
            }
            for node in cache_state()
        ],
    }


def _rates(measures: dict[str, float], history: dict[str, list[tuple[int, float]]]) -> list[dict[str, Any]]:
    labels = {
        "orchestrator.hit_rate": _("model was in memory"),
        "archive.hit_rate": _("archive answer came from the cache"),
    }
    return [
        {"label": label, "value": measures.get(name), "series": history.get(name, [])} for name, label in labels.items()
    ]


def _slow() -> list[dict[str, Any]]:
    return [{**entry, "at": _clock(datetime.fromtimestamp(entry["at"], UTC))} for entry in slow_queries.latest(5)]


def _summary() -> dict[str, Any] | None:
    """Return the newest daily summary; None before the first, and in an installation without coordination."""
    if not apps.is_installed("altlas.coordination"):
        return None
    summaries: Any = apps.get_model(*_DAILY)
    found = summaries.objects.order_by("-day").first()
    if found is None:
        return None
    return {
        "day": found.day.isoformat(),
        "text": found.text,
        "link": reverse("admin:coordination_dailysummary_change", args=[found.pk]),
    }


def _clock(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%d.%m. %H:%M:%S")
