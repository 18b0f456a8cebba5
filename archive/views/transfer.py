from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from archive import audit, bulk, export, idempotency, queries, schema, serializers
from archive.exceptions import InvalidRecord
from archive.metrics import timed
from archive.views.base import ArchiveView, json_response, sees_all, user_id


class ExportView(ArchiveView):
    """Records as a stream of lines."""

    @extend_schema(
        operation_id="archive_export",
        parameters=[
            OpenApiParameter("as", str, enum=list(export.Format), description="ndjson (default) or csv."),
            *schema.FILTERS,
            schema.WORDS,
        ],
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """Stream all matching records, oldest first, with text and payload."""
        query = request.query_params
        queries.allow(query, queries.FILTERS | {"as", "deleted"})
        form = export.Format(queries.choice(query, "as", list(export.Format), export.Format.NDJSON))
        filters = queries.filters(query, user_id=user_id(request), all_owners=sees_all(request))
        audit.note("export", actor_id=user_id(request), owner_id=filters.owner_id or user_id(request), format=form)
        stream = export.Export(filters, form)
        return StreamingHttpResponse(
            stream,
            content_type=export.CONTENT_TYPES[form],
            headers={"Content-Disposition": f'attachment; filename="archive.{form}"', "X-Accel-Buffering": "no"},
        )


class BulkView(ArchiveView):
    """Many records in one request."""

    @extend_schema(operation_id="archive_bulk", request=serializers.BulkInput, responses=serializers.BulkOut)
    def post(self, request: Request) -> HttpResponse:
        """Store up to 5,000 records; each gets an outcome. With `atomic` all are stored or none."""
        rows, atomic = _batch(request.data)
        owner_id = user_id(request)

        def perform() -> str:
            results = bulk.records_import(owner_id=owner_id, rows=rows, atomic=atomic)
            counts = {outcome.value: sum(row.outcome is outcome for row in results) for outcome in bulk.Outcome}
            return json.dumps({"counts": counts, "results": [asdict(row) for row in results]}, default=str)

        key = request.headers.get(idempotency.HEADER)
        with timed("bulk"):
            if key is None:
                return json_response(perform())
            answer = idempotency.once(owner_id=owner_id, key=key, route="bulk", body=request.data, perform=perform)
        return json_response(answer.json, headers={idempotency.REPLAYED: "true"} if answer.replayed else None)


def _batch(data: Any) -> tuple[list[Any], bool]:
    rows = data.get("records") if isinstance(data, dict) else None
    atomic = data.get("atomic", False) if isinstance(data, dict) else False
    if not isinstance(rows, list) or not 1 <= len(rows) <= bulk.MAXIMUM or not isinstance(atomic, bool):
        raise InvalidRecord(
            f'Send {{"records": [1 to {bulk.MAXIMUM} records], "atomic": true or false}}.',
        )
    return rows, atomic
