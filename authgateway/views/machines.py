"""Machines and scripts."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from altlas.kernel.parsers import JSONParser
from authgateway import serializers
from authgateway.authentication import require_recent, user_of
from authgateway.caller import caller_of
from authgateway.permissions import AUTHENTICATED, HasScope, Public
from authgateway.schema import problems
from authgateway.selectors import api_tokens_of
from authgateway.services.machines import api_token_create, api_token_revoke, client_credentials
from authgateway.views.base import AuthView


class ClientTokenView(AuthView):
    authentication_classes = []
    permission_classes = [Public]
    parser_classes = [FormParser, JSONParser]

    @extend_schema(
        operation_id="auth_token_client",
        tags=["auth"],
        auth=[],
        request=serializers.ClientTokenRequestSerializer,
        responses={200: serializers.ClientTokenSerializer, **problems(400, 401, 415, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        """Get an access token for a service client (RFC 6749, section 4.4), by HTTP Basic or in the body."""
        body = serializers.ClientTokenRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        client_id, secret = _basic(request) or (fields["client_id"], fields["client_secret"])
        pair = client_credentials(client_id=client_id, secret=secret, scope=fields["scope"], caller=caller_of(request))
        return Response(
            {
                "access_token": pair.access,
                "token_type": "Bearer",
                "expires_in": pair.expires_in,
                "scope": " ".join(sorted(pair.scopes)),
            }
        )


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)  # RFC 6749, section 2.3.1


class ApiTokensView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_api_tokens",
        tags=["auth"],
        responses={200: serializers.ApiTokenListSerializer, **problems(401, 403, 503)},
    )
    def get(self, request: Request) -> Response:
        """List your live API tokens."""
        found = api_tokens_of(user_of(request))
        return Response({"results": serializers.ApiTokenSerializer(found, many=True).data})

    @extend_schema(
        operation_id="auth_api_token_create",
        tags=["auth"],
        request=serializers.ApiTokenRequestSerializer,
        responses={201: serializers.NewApiTokenSerializer, **problems(400, 401, 403, 409, 415, 503)},
    )
    def post(self, request: Request) -> Response:
        """Make an API token for a script. Needs a recent login; the token is shown once."""
        require_recent(request)
        body = serializers.ApiTokenRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        row, token = api_token_create(
            user=user_of(request),
            name=fields["name"],
            scopes=frozenset(fields["scope"].split()),
            days=fields["days"],
        )
        shown = {**serializers.ApiTokenSerializer(row).data, "token": token}
        return Response(shown, status=status.HTTP_201_CREATED)


class ApiTokenView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_api_token_revoke", tags=["auth"], responses={204: None, **problems(401, 403, 404, 503)}
    )
    def delete(self, request: Request, token_id: UUID) -> Response:
        """Revoke one of your API tokens."""
        api_token_revoke(token_id=token_id, user=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)
