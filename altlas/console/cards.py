"""Collects the services' overviews; one that fails becomes a card that says so, never a broken page."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.db import DatabaseError

import archive.overview
import authgateway.overview
import orchestrator.overview
import segmentation.overview
from altlas.kernel.overview import Figure, ServiceOverview
from altlas.kernel.problems import translate

logger = logging.getLogger(__name__)

_SERVICES: dict[str, tuple[str, Callable[[], ServiceOverview]]] = {
    "segmentation": ("Segmentation", segmentation.overview.overview),
    "archive": ("Archive", archive.overview.overview),
    "authgateway": ("Auth gateway", authgateway.overview.overview),
    "orchestrator": ("Orchestrator", orchestrator.overview.overview),
}


def cards() -> list[dict[str, Any]]:
    """Return the four cards as plain mappings, in the order of the page."""
    return [asdict(_card(name, title, ask)) for name, (title, ask) in _SERVICES.items()]


def _card(name: str, title: str, ask: Callable[[], ServiceOverview]) -> ServiceOverview:
    try:
        return ask()
    except Exception as exc:
        # An operator looks here most when something is down: the page must answer then.
        known = translate(exc)
        if known is None and not isinstance(exc, DatabaseError):
            logger.exception("overview of %s failed", name)
        reason = known.detail if known is not None else f"{type(exc).__name__}: {exc}"
        return ServiceOverview(
            name=name, title=title, state="failing", headline=Figure(label="state", value="no answer"), reason=reason
        )
