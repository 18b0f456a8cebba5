from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from authgateway.permissions import HasScope

READ, WRITE, ALL = "archive:read", "archive:write", "archive:all"


class ArchiveView(APIView):
    permission_classes = [HasScope]
    required_scopes = {"GET": READ, "HEAD": READ, "POST": WRITE, "PATCH": WRITE, "DELETE": WRITE}


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
