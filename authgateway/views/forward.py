"""Forward authentication: a reverse proxy asks before it lets a request through (nginx, Traefik)."""

from __future__ import annotations

from urllib.parse import quote

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from altlas.kernel.errors import PermissionDenied
from authgateway.authentication import AccessTokenAuthentication, claims_of, user_of
from authgateway.exceptions import RevocationUnavailable, SigningUnavailable
from authgateway.models import User
from authgateway.permissions import AUTHENTICATED, HasScope
from authgateway.schema import problems
from authgateway.tokens.claims import AccessClaims
from authgateway.views.base import AuthView


class OutageDenied(PermissionDenied):
    """nginx's auth_request knows 2xx, 401 and 403 only: anything else would reach the client as 500."""

    code = "revocation_unavailable"
    title = "Revocation state unavailable"
    default_retry_after = 5


class ForwardAuthentication(AccessTokenAuthentication):
    def authenticate(self, request: Request) -> tuple[User, AccessClaims] | None:
        try:
            return super().authenticate(request)
        except (RevocationUnavailable, SigningUnavailable) as exc:
            raise OutageDenied(exc.detail) from exc


class VerifyView(AuthView):
    """Never rotates anything: a proxy drops the cookies and bodies of this answer."""

    authentication_classes: list[type[BaseAuthentication]] = [ForwardAuthentication]
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_verify",
        tags=["auth"],
        parameters=[OpenApiParameter("scope", str, description="Scopes it must have, separated by spaces.")],
        responses={
            204: OpenApiResponse(
                description="Let it through. `X-Auth-User-Id`, `X-Auth-User`, `X-Auth-Session` and `X-Auth-Scopes` "
                "say who asks; the proxy must overwrite these headers of the client."
            ),
            **problems(401, 403),
        },
    )
    def get(self, request: Request) -> Response:
        """Answer a reverse proxy: 204, 401 or 403."""
        user, claims = user_of(request), claims_of(request)
        needed = set(request.query_params.get("scope", "").split())
        if not needed <= claims.scopes:
            raise PermissionDenied("The access token does not have the scope that this needs.")
        return Response(
            status=204,
            headers={
                "X-Auth-User-Id": str(user.pk),
                # A header holds ASCII; usernames may be Turkish.
                "X-Auth-User": quote(user.get_username(), safe="@+"),
                "X-Auth-Session": str(claims.sid),
                "X-Auth-Scopes": " ".join(sorted(claims.scopes)),
            },
        )
