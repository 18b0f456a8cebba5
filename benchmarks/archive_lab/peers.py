"""The same page by others: raw psycopg, DRF and django-ninja, on the product's table and indexes, same members."""

# Without postponed annotations, which django-ninja cannot read through its pagination.
import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.test import RequestFactory
from ninja import NinjaAPI, Schema
from ninja.pagination import CursorPagination as NinjaCursor
from ninja.pagination import paginate
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination, LimitOffsetPagination
from rest_framework.serializers import ModelSerializer

from benchmarks.archive_lab.tables import SHOWN, PeerRecord

Call = Callable[[], bytes]
_LIMIT = 50
_requests = RequestFactory(SERVER_NAME="localhost")


class Short(ModelSerializer):
    class Meta:
        model = PeerRecord
        fields = SHOWN


class _List(ListAPIView):
    authentication_classes = ()
    permission_classes = ()
    serializer_class = Short

    def get_queryset(self) -> Any:
        return (
            PeerRecord.objects.filter(owner_id=self.request.GET["owner"], deleted_at=None)
            .only(*SHOWN)
            .order_by("-created_at", "-id")
        )


class _Offset(LimitOffsetPagination):
    default_limit = _LIMIT


class _Cursor(CursorPagination):
    page_size = _LIMIT
    ordering = ("-created_at", "-id")


class OffsetList(_List):
    pagination_class = _Offset


class CursorList(_List):
    pagination_class = _Cursor


class _Out(Schema):
    id: UUID
    owner_id: UUID
    kind: str
    status: str
    title: str
    tags: list[str]
    language: str
    success_rate: float | None
    source_run_id: UUID | None
    on_hold: bool
    version: int
    created_at: Any
    updated_at: Any


_api = NinjaAPI(urls_namespace="bench")


@_api.get("/records", response=list[_Out])
@paginate(NinjaCursor, ordering=("-created_at", "-id"), page_size=_LIMIT)
def _records(request: Any, owner: UUID) -> Any:
    return PeerRecord.objects.filter(owner_id=owner, deleted_at=None).only(*SHOWN)


def drf(view: Any, **query: Any) -> Call:
    handle = view.as_view()
    path = f"/?{urlencode(query)}"
    return lambda: bytes(handle(_requests.get(path)).render().content)


def drf_cursor_at(moment: Any) -> str:
    return base64.b64encode(urlencode({"p": str(moment)}).encode()).decode()


def ninja(**query: Any) -> Call:
    path_view = next(pattern.callback for pattern in _api.urls[0] if str(getattr(pattern, "pattern", "")) == "records")
    path = f"/records?{urlencode(query)}"

    def call() -> bytes:
        answer = path_view(_requests.get(path))
        assert answer.status_code == 200, answer.content
        return bytes(answer.content)

    return call


def ninja_cursor_at(moment: Any) -> str:
    cursor = NinjaCursor(ordering=("-created_at", "-id"), page_size=_LIMIT).Cursor(p=str(moment))
    return str(cursor.encode_as_param())


def raw(own: Any, owner: UUID, after: Any = None) -> Call:
    """The least that the work can cost in Python: one prepared keyset query and json.dumps."""
    start = "" if after is None else " AND (created_at, id) < (%s, %s)"
    sql = (
        f"SELECT {', '.join(SHOWN)} FROM archive_record WHERE owner_id = %s AND deleted_at IS NULL{start} "
        "ORDER BY created_at DESC, id DESC LIMIT 51"
    )
    parameters = [owner, *(after or ())]

    def call() -> bytes:
        rows = own.execute(sql, parameters, prepare=True).fetchall()
        return json.dumps([dict(zip(SHOWN, row, strict=True)) for row in rows[:_LIMIT]], default=str).encode()

    return call
