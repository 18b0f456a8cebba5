from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from archive import queries, schema, selectors, serializers
from archive.metrics import timed
from archive.search import Mode
from archive.views.base import ArchiveView, sees_all, user_id

_DEFAULT, _MAXIMUM = 20, 100


class SearchView(ArchiveView):
    """Search by words, by meaning, or both."""

    @extend_schema(
        operation_id="archive_search",
        parameters=[*schema.SEARCH, *schema.FILTERS],
        responses=serializers.SearchOut,
    )
    def get(self, request: Request) -> Response:
        """Return the best records; a hybrid search without a model goes on by words and says so in `degraded`."""
        query = request.query_params
        queries.allow(query, queries.FILTERS | {"mode", "limit"})
        mode = Mode(queries.choice(query, "mode", list(Mode), Mode.TEXT))
        with timed(f"search_{mode}"):
            answer = selectors.search(
                query=queries.required_words(query),
                filters=queries.filters(query, user_id=user_id(request), all_owners=sees_all(request), words=False),
                mode=mode,
                limit=queries.limit(query, default=_DEFAULT, maximum=_MAXIMUM),
            )
        return Response(serializers.SearchOut(answer).data)
