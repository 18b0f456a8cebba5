"""Doors of the console: the landing page's context and its live data."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from altlas.console.landing import landing


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Give unfold's landing page what it shows (named by ``DASHBOARD_CALLBACK``)."""
    shown = landing(request.user)
    return {**context, **shown, "landing": shown}


@never_cache
@staff_member_required
def overview(request: HttpRequest) -> JsonResponse:
    """Answer the landing page's content as JSON; the page asks every few seconds."""
    return JsonResponse(landing(request.user))
