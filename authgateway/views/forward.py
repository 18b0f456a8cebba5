"""Forward authentication: a reverse proxy asks before it lets a request through (nginx, Traefik)."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from altlas.kernel.errors import PermissionDenied, Unavailable
from authgateway.authentication import claims_of, target_of, user_of
from authgateway.caller import is_from_proxy
from authgateway.permissions import AUTHENTICATED, HasScope
from authgateway.schema import problems
from authgateway.tokens.dpop import Target
from authgateway.views.base import AuthView


class OutageDenied(PermissionDenied):
    """nginx's auth_request knows 2xx, 401 and 403 only: anything else would reach the client as 500."""

    code = "revocation_unavailable"
    title = "Revocation state unavailable"
    default_retry_after = 5


class VerifyView(AuthView):
    """Never rotates anything: a proxy drops the cookies and bodies of this answer.

    Decides by the token and the proxy's own ``scope`` alone. No path that a client could spell in two ways is looked
    at: which location needs which scope is the proxy's to say, by the path that it will itself pass on.
    """

    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    def proof_target(self, request: Request) -> Target:
        """A DPoP proof is for the request that the proxy holds, which a trusted proxy names."""
        if not is_from_proxy(request):
            return target_of(request)
        headers = request.headers
        path = urlsplit(headers.get("X-Forwarded-Uri", headers.get("X-Original-URI", ""))).path
        proto, host = headers.get("X-Forwarded-Proto", request.scheme), headers.get("X-Forwarded-Host", "")
        method = headers.get("X-Forwarded-Method", headers.get("X-Original-Method", ""))
        return Target(method=method, url=f"{proto}://{host}{path}")

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

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Unavailable):
            exc = OutageDenied(exc.detail)
        return super().handle_exception(exc)
