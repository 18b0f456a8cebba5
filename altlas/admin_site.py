"""Look and navigation of the admin (django-unfold)."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _link(title: Any, icon: str, name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(name)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "ALT_LAS",
    "SITE_HEADER": "ALT_LAS",
    "SITE_SUBHEADER": _("Segments, archive, tokens, models"),
    "SITE_SYMBOL": "segment",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "SHOW_LANGUAGES": True,
    "LANGUAGES": {"action": reverse_lazy("console-language")},
    "DASHBOARD_CALLBACK": "altlas.console.views.dashboard",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("altlas/favicon.svg")},
    ],
    "STYLES": [lambda request: static("altlas/console.css")],
    "SCRIPTS": [lambda request: static("altlas/charts.js"), lambda request: static("altlas/console.js")],
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": True,
        "navigation": [
            {
                "items": [
                    _link(_("Console"), "dashboard", "admin:index"),
                    _link(_("Workbench"), "edit_note", "console-workbench"),
                    _link(_("Model cache"), "memory", "admin:orchestrator_node_cache"),
                    _link(_("Alerts"), "notifications", "admin:kernel_alert_changelist"),
                    _link(_("Background jobs"), "task", "admin:kernel_taskrecord_changelist"),
                    _link(_("Schedules"), "schedule", "admin:django_celery_beat_periodictask_changelist"),
                    _link(_("Work items"), "checklist", "admin:coordination_workitem_board"),
                    _link(_("Verifications"), "verified", "admin:coordination_verificationrun_changelist"),
                    _link(_("Daily summaries"), "today", "admin:coordination_dailysummary_changelist"),
                    _link(_("API documentation"), "api", "docs"),
                ]
            },
        ],
    },
}
