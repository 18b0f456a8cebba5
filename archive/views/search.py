from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from archive import queries, replica, schema, selectors, serializers
from archive.metrics import timed
from archive.search import Answer, Mode
from archive.views.base import ArchiveView, cached_response, json_response, rendered_json, sees_all, user_id

_DEFAULT, _MAXIMUM = 20, 100


class SearchView(ArchiveView):
    """Search by words, by meaning, or both."""

    @extend_schema(
        operation_id="archive_search",
        parameters=[*schema.SEARCH, *schema.FILTERS],
        responses=serializers.SearchOut,
    )
    def get(self, request: Request) -> HttpResponse:
        """Return the best records; a hybrid search without a model goes on by words and says so in `degraded`."""
        query = request.query_params
        queries.allow(query, queries.FILTERS | {"mode", "limit", "facets"})
        mode = Mode(queries.choice(query, "mode", list(Mode), Mode.TEXT))
        words = queries.required_words(query)
        filters = queries.filters(query, user_id=user_id(request), all_owners=sees_all(request), words=False)
        wanted = queries.flag(query, "facets")
        limit = queries.limit(query, default=_DEFAULT, maximum=_MAXIMUM)

        def answer() -> Answer:
            with timed(f"search_{mode}"):
                return selectors.search(query=words, filters=filters, mode=mode, limit=limit, with_facets=wanted)

        if mode is Mode.TEXT:
            return cached_response(
                request,
                route="search",
                owner_id=filters.owner_id,
                render=lambda: rendered_json(serializers.SearchOut(answer()).data),
            )
        # Not kept: the model that embeds the query may change or come back at any time.
        with replica.reads_of(filters.owner_id):
            return json_response(rendered_json(serializers.SearchOut(answer()).data).body)
