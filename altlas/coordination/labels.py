"""Statuses, states and verdicts in words, in the active language."""

from __future__ import annotations

from django.utils.translation import gettext as _


def label(value: str) -> str:
    """Return the word for a status of a run, an item, a risk, a rollout or a piece of evidence."""
    return {
        "queued": _("queued"),
        "running": _("running"),
        "passed": _("passed"),
        "failed": _("failed"),
        "inconclusive": _("inconclusive"),
        "cancelled": _("cancelled"),
        "error": _("error"),
        "not_started": _("not started"),
        "in_progress": _("in progress"),
        "verified": _("verified"),
        "failing": _("failing"),
        "stale": _("stale"),
        "open": _("open"),
        "mitigating": _("mitigating"),
        "accepted": _("accepted"),
        "resolved": _("resolved"),
        "planned": _("planned"),
        "paused": _("paused"),
        "watching": _("watching"),
        "done": _("done"),
        "rolled_back": _("rolled back"),
        "pending": _("pending"),
        "green": _("green"),
        "red": _("red"),
        "unclear": _("unclear"),
    }.get(value, value)
