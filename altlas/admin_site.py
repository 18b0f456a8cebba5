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
    "DASHBOARD_CALLBACK": "altlas.console.views.dashboard",
    "STYLES": [lambda request: static("altlas/console.css")],
    "SCRIPTS": [lambda request: static("altlas/console.js")],
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": True,
        "navigation": [
            {
                "items": [
                    _link(_("Console"), "dashboard", "admin:index"),
                    _link(_("API documentation"), "api", "docs"),
                ]
            },
        ],
    },
}
