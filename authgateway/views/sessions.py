"""One's own sessions, and oneself."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from authgateway import serializers
from authgateway.authentication import claims_of, user_of
from authgateway.permissions import AUTHENTICATED, HasScope
from authgateway.schema import problems
from authgateway.selectors import sessions_of
from authgateway.services.revocation import session_revoke
from authgateway.views.base import AuthView


class SessionsView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_sessions",
        tags=["auth"],
        responses={200: serializers.SessionListSerializer, **problems(401, 403, 503)},
    )
    def get(self, request: Request) -> Response:
        """List your live sessions, the last used first."""
        found = sessions_of(user_of(request), current=claims_of(request).sid)
        return Response({"results": serializers.SessionSerializer(found, many=True).data})


class SessionView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_session_revoke", tags=["auth"], responses={204: None, **problems(401, 403, 404, 503)}
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        """End one of your sessions."""
        session_revoke(user=user_of(request), session_id=session_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_me", tags=["auth"], responses={200: serializers.MeSerializer, **problems(401, 403, 503)}
    )
    def get(self, request: Request) -> Response:
        """Say who you are and what this token allows."""
        return Response(serializers.MeSerializer(user_of(request), context={"claims": claims_of(request)}).data)
