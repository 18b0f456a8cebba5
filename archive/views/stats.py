from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from archive import selectors, serializers
from archive.metrics import timed
from archive.views.base import ArchiveView, user_id


class StatsView(ArchiveView):
    """Counts of the caller's records."""

    @extend_schema(operation_id="archive_stats", responses=serializers.StatsOut)
    def get(self, request: Request) -> Response:
        """Return counts by status, kind, language, tag and day, with the time that they are of."""
        with timed("stats"):
            found = selectors.stats(owner_id=user_id(request))
        return Response(serializers.StatsOut(found).data)
