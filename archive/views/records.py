from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpResponse, QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from archive import counts, etags, idempotency, queries, replica, schema, selectors, serializers, services
from archive.cache import Rendered
from archive.conf import conf
from archive.counts import Count
from archive.metrics import timed
from archive.selectors import Page
from archive.views.base import ArchiveView, cached_response, json_response, reach, sees_all, user_id


class RecordsView(ArchiveView):
    """The caller's records."""

    @extend_schema(
        operation_id="archive_records_list",
        parameters=[*schema.PAGING, schema.COUNT, *schema.FILTERS, schema.WORDS],
        responses=serializers.RecordPage,
    )
    def get(self, request: Request) -> HttpResponse:
        """List records by keyset cursor; `next` and `previous` are also in the `Link` header."""
        query = request.query_params
        queries.allow(query, queries.FILTERS | queries.PAGING)
        filters = queries.filters(query, user_id=user_id(request), all_owners=sees_all(request))
        mode = queries.choice(query, "count", ["", *counts.Mode], "")
        limit = queries.limit(query, default=conf.page_default)

        def render() -> Rendered:
            with timed("list"):
                page = selectors.records_page(
                    filters=filters, ordering=query.get("ordering"), limit=limit, cursor=query.get("cursor")
                )
            if not mode:
                return rendered_page(request, page, None)
            with timed("count"):
                return rendered_page(request, page, counts.of_records(filters, counts.Mode(mode)))

        return cached_response(request, route="list", owner_id=filters.owner_id, render=render)

    @extend_schema(
        operation_id="archive_records_create",
        request=serializers.RecordInput,
        responses={201: serializers.RecordDetail},
    )
    def post(self, request: Request) -> HttpResponse:
        """Store a record."""
        body = serializers.RecordInput(data=request.data)
        body.is_valid(raise_exception=True)
        owner_id = user_id(request)

        def perform() -> str:
            record = services.record_create(owner_id=owner_id, **body.validated_data)
            return selectors.record_document(record_id=record.pk, owner_id=owner_id).json

        key = request.headers.get(idempotency.HEADER)
        with timed("create"):
            if key is None:
                answer = idempotency.Answer(json=perform(), replayed=False)
            else:
                answer = idempotency.once(
                    owner_id=owner_id, key=key, route="records", body=request.data, perform=perform
                )
        made = json.loads(answer.json)
        headers = {"Location": f"{request.path.rstrip('/')}/{made['id']}", "ETag": etags.of_version(made["version"])}
        if answer.replayed:
            headers[idempotency.REPLAYED] = "true"
        return json_response(answer.json, status=201, headers=headers)


class RecordView(ArchiveView):
    """One record."""

    @extend_schema(operation_id="archive_records_read", responses=serializers.RecordDetail)
    def get(self, request: Request, record_id: UUID) -> HttpResponse:
        """Return the whole record with text and payload."""
        owner_id = reach(request)
        with timed("detail"), replica.reads_of(owner_id):
            if (known := request.headers.get("If-None-Match")) is not None:
                version = selectors.record_version(record_id=record_id, owner_id=owner_id)
                if version is not None and etags.matches(known, etags.of_version(version)):
                    return HttpResponse(status=304, headers={"ETag": etags.of_version(version)})
            return document_response(record_id, owner_id)

    @extend_schema(
        operation_id="archive_records_update",
        request=serializers.RecordChanges,
        responses=serializers.RecordDetail,
    )
    def patch(self, request: Request, record_id: UUID) -> HttpResponse:
        """Change members; what they were stays as a revision."""
        body = serializers.RecordChanges(data=request.data)
        body.is_valid(raise_exception=True)
        owner_id = reach(request)
        with timed("update"):
            services.record_update(
                record_id=record_id,
                owner_id=owner_id,
                actor_id=user_id(request),
                changes=body.validated_data,
                if_match=etags.versions(request.headers.get("If-Match")),
            )
        return document_response(record_id, owner_id)

    @extend_schema(operation_id="archive_records_delete", responses={204: None})
    def delete(self, request: Request, record_id: UUID) -> HttpResponse:
        """Put the record away; `…/restore` brings it back."""
        with timed("delete"):
            services.record_delete(
                record_id=record_id,
                owner_id=reach(request),
                actor_id=user_id(request),
                if_match=etags.versions(request.headers.get("If-Match")),
            )
        return HttpResponse(status=204)


class RestoreView(ArchiveView):
    """A deleted record, back."""

    @extend_schema(operation_id="archive_records_restore", request=None, responses=serializers.RecordDetail)
    def post(self, request: Request, record_id: UUID) -> HttpResponse:
        """Bring a deleted record back as it was."""
        owner_id = reach(request)
        with timed("restore"):
            services.record_restore(record_id=record_id, owner_id=owner_id, actor_id=user_id(request))
        return document_response(record_id, owner_id)


def document_response(record_id: UUID, owner_id: UUID | None) -> HttpResponse:
    document = selectors.record_document(record_id=record_id, owner_id=owner_id)
    return json_response(document.json, headers={"ETag": etags.of_version(document.version)})


def rendered_page(request: Request, page: Page, count: Count | None) -> Rendered:
    """Render a page with its neighbours in the body and as RFC 8288 links."""
    following, preceding = _address(request, page.next), _address(request, page.previous)
    counted = "" if count is None else f',"count":{json.dumps(asdict(count))}'
    rows = ",".join(page.rows)
    body = f'{{"results":[{rows}],"next":{_quoted(following)},"previous":{_quoted(preceding)}{counted}}}'
    links = {"first": _address(request, ""), "prev": preceding, "next": following}
    return Rendered(
        body=body.encode(),
        # Of the rows alone: cursors are sealed anew each time.
        etag=etags.of_body(f"{rows}{page.next is None}{page.previous is None}{counted}"),
        link=", ".join(f'<{address}>; rel="{relation}"' for relation, address in links.items() if address),
    )


def _address(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    query: QueryDict = request.query_params.copy()
    query.pop("cursor", None)
    if cursor:
        query["cursor"] = cursor
    encoded = query.urlencode()
    return request.build_absolute_uri(f"{request.path}?{encoded}" if encoded else request.path)


def _quoted(address: str | None) -> Any:
    # Percent-encoded by construction: nothing in it needs escaping.
    return "null" if address is None else f'"{address}"'
