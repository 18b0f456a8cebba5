from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from archive import selectors, serializers
from archive.cache import Rendered
from archive.metrics import timed
from archive.views.base import ArchiveView, cached_response, rendered_json, user_id


class StatsView(ArchiveView):
    """Counts of the caller's records."""

    @extend_schema(operation_id="archive_stats", responses=serializers.StatsOut)
    def get(self, request: Request) -> HttpResponse:
        """Return counts by status, kind, language, tag and day, with the time that they are of."""
        owner_id = user_id(request)

        def render() -> Rendered:
            with timed("stats"):
                return rendered_json(serializers.StatsOut(selectors.stats(owner_id=owner_id)).data)

        return cached_response(request, route="stats", owner_id=owner_id, render=render)
