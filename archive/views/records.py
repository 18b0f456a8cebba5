from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from archive import queries, schema, selectors, serializers, services
from archive.conf import conf
from archive.metrics import timed
from archive.selectors import Page
from archive.views.base import ArchiveView, json_response, reach, sees_all, user_id


class RecordsView(ArchiveView):
    """The caller's records."""

    @extend_schema(
        operation_id="archive_records_list",
        parameters=[*schema.PAGING, *schema.FILTERS, schema.WORDS],
        responses=serializers.RecordPage,
    )
    def get(self, request: Request) -> HttpResponse:
        """List records by keyset cursor; `next` and `previous` are also in the `Link` header."""
        query = request.query_params
        queries.allow(query, queries.FILTERS | queries.PAGING)
        with timed("list"):
            page = selectors.records_page(
                filters=queries.filters(query, user_id=user_id(request), all_owners=sees_all(request)),
                ordering=query.get("ordering"),
                limit=queries.limit(query, default=conf.page_default),
                cursor=query.get("cursor"),
            )
        return page_response(request, page)

    @extend_schema(
        operation_id="archive_records_create",
        request=serializers.RecordInput,
        responses={201: serializers.RecordDetail},
    )
    def post(self, request: Request) -> HttpResponse:
        """Store a record."""
        body = serializers.RecordInput(data=request.data)
        body.is_valid(raise_exception=True)
        with timed("create"):
            record = services.record_create(owner_id=user_id(request), **body.validated_data)
        location = f"{request.path.rstrip('/')}/{record.pk}"
        return document_response(record.pk, None, status=201, headers={"Location": location})


class RecordView(ArchiveView):
    """One record."""

    @extend_schema(operation_id="archive_records_read", responses=serializers.RecordDetail)
    def get(self, request: Request, record_id: UUID) -> HttpResponse:
        """Return the whole record with text and payload."""
        with timed("detail"):
            return document_response(record_id, reach(request))

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
                record_id=record_id, owner_id=owner_id, actor_id=user_id(request), changes=body.validated_data
            )
        return document_response(record_id, owner_id)

    @extend_schema(operation_id="archive_records_delete", responses={204: None})
    def delete(self, request: Request, record_id: UUID) -> HttpResponse:
        """Put the record away; `…/restore` brings it back."""
        with timed("delete"):
            services.record_delete(record_id=record_id, owner_id=reach(request), actor_id=user_id(request))
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


def document_response(
    record_id: UUID, owner_id: UUID | None, *, status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    document = selectors.record_document(record_id=record_id, owner_id=owner_id)
    return json_response(document.json, status=status, headers=headers)


def page_response(request: Request, page: Page) -> HttpResponse:
    """Render a page with its neighbours in the body and as RFC 8288 links."""
    following, preceding = _address(request, page.next), _address(request, page.previous)
    body = '{"results":[%s],"next":%s,"previous":%s}' % (  # noqa: UP031  # braces
        ",".join(page.rows),
        _quoted(following),
        _quoted(preceding),
    )
    links = {"first": _address(request, ""), "prev": preceding, "next": following}
    header = ", ".join(f'<{address}>; rel="{relation}"' for relation, address in links.items() if address)
    return json_response(body, headers={"Link": header})


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
