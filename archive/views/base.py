from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from archive import cache, etags, replica
from archive.bulkhead import BULKHEAD
from archive.cache import Rendered
from authgateway.permissions import HasScope

READ, WRITE, ALL = "archive:read", "archive:write", "archive:all"


class ArchiveView(APIView):
    permission_classes = [HasScope]
    required_scopes = {"GET": READ, "HEAD": READ, "POST": WRITE, "PATCH": WRITE, "DELETE": WRITE}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with ExitStack() as self._held:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._held.enter_context(BULKHEAD.place())


def user_id(request: Request) -> UUID:
    found: UUID = request.user.pk  # type: ignore[assignment]  # a permitted request has a user
    return found


def sees_all(request: Request) -> bool:
    return ALL in getattr(request.auth, "scopes", ())


def reach(request: Request) -> UUID | None:
    """Return whose records a request for a single one may touch; None for everybody's."""
    return None if sees_all(request) else user_id(request)


def json_response(body: str | bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)


def cached_response(
    request: Request, *, route: str, owner_id: UUID | None, render: Callable[[], Rendered]
) -> HttpResponse:
    """Answer with what ``render`` makes, or made before; 304 when the client has it already."""

    def routed() -> Rendered:
        with replica.reads_of(owner_id):
            return render()

    answer = cache.rendered(route=route, owner_id=owner_id, parts=[request.build_absolute_uri()], render=routed)
    headers = {"ETag": answer.etag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if answer.link:
        headers["Link"] = answer.link
    if etags.matches(request.headers.get("If-None-Match"), answer.etag):
        return HttpResponse(status=304, headers=headers)
    return json_response(answer.body, headers=headers)


def rendered_json(data: object) -> Rendered:
    body: bytes = JSONRenderer().render(data)
    return Rendered(body=body, etag=etags.of_body(body))
