"""Collects the services' overviews; one that fails becomes a card that says so, never a broken page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.db import DatabaseError
from django.utils.translation import gettext as _

import archive.overview
import authgateway.overview
import orchestrator.overview
import segmentation.overview
from altlas.kernel.overview import Figure, ServiceOverview
from altlas.kernel.problems import translate

logger = logging.getLogger(__name__)

SERVICES: dict[str, Callable[[], ServiceOverview]] = {
    "segmentation": lambda: segmentation.overview.overview(),
    "archive": lambda: archive.overview.overview(),
    "authgateway": lambda: authgateway.overview.overview(),
    "orchestrator": lambda: orchestrator.overview.overview(),
}


def cards() -> list[dict[str, Any]]:
    """Return the four cards as plain mappings, in the order of the page."""
    return [asdict(_card(name, ask)) for name, ask in SERVICES.items()]


def state_names() -> dict[str, str]:
    """Return the states of a card as a person reads them."""
    return {"ok": _("ok"), "warning": _("warning"), "failing": _("failing"), "unknown": _("unknown")}


def _title(name: str) -> str:
    return {
        "segmentation": _("Segmentation"),
        "archive": _("Archive"),
        "authgateway": _("Auth gateway"),
        "orchestrator": _("Orchestrator"),
    }[name]


def _card(name: str, ask: Callable[[], ServiceOverview]) -> ServiceOverview:
    try:
        return ask()
    except Exception as exc:
        # An operator looks here most when something is down: the page must answer then.
        known = translate(exc)
        if known is None and not isinstance(exc, DatabaseError):
            logger.exception("overview of %s failed", name)
        reason = known.detail if known is not None else f"{type(exc).__name__}: {exc}"
        headline = Figure(label=_("state"), value=_("no answer"))
        return ServiceOverview(name=name, title=_title(name), state="failing", headline=headline, reason=reason)
