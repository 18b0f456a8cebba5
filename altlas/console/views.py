"""Doors of the console: the landing page's context and its live data."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from altlas.console.cards import cards


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Give unfold's landing page the cards (named by ``DASHBOARD_CALLBACK``)."""
    context["cards"] = cards()
    return context


@never_cache
@staff_member_required
def overview(request: HttpRequest) -> JsonResponse:
    """Answer the cards as JSON; the page asks every few seconds."""
    return JsonResponse({"cards": cards()})
