"""Tokens: log in, rotate, end, ask about."""

from __future__ import annotations

from dataclasses import replace

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from altlas.kernel.errors import FieldError, InvalidInput
from altlas.kernel.parsers import JSONParser
from authgateway import cookies, serializers
from authgateway.authentication import claims_of, user_of
from authgateway.caller import caller_of
from authgateway.permissions import AUTHENTICATED, HasScope, Public
from authgateway.schema import problems
from authgateway.services.introspection import introspect
from authgateway.services.login import login, step_up
from authgateway.services.passwords import password_change
from authgateway.services.revocation import logout, token_revoke
from authgateway.services.rotation import refresh_rotate
from authgateway.services.sessions import Reason, user_sessions_end
from authgateway.views.base import AuthView
from authgateway.views.transport import answered, binding_of, refresh_token_of, wanted_of

_PAIR = serializers.TokenPairSerializer


class TokenView(AuthView):
    authentication_classes = []
    permission_classes = [Public]

    @extend_schema(
        operation_id="auth_token",
        tags=["auth"],
        auth=[],
        request=serializers.LoginSerializer,
        responses={200: _PAIR, **problems(400, 401, 415, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        """Log in: an access token and a refresh token of a new session.

        With a `DPoP` header (RFC 9449) the session is bound to the key of the proof.
        """
        body = serializers.LoginSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        fields = dict(body.validated_data)
        by_cookie = fields.pop("transport") == "cookie"
        wanted = wanted_of(request, device_cookie=fields.pop("bind_device") or by_cookie)
        pair = login(**fields, caller=caller_of(request), wanted=wanted)
        return answered(pair, by_cookie=by_cookie)


class RefreshView(AuthView):
    authentication_classes = []
    permission_classes = [Public]

    @extend_schema(
        operation_id="auth_token_refresh",
        tags=["auth"],
        auth=[],
        request=serializers.RefreshSerializer,
        responses={200: _PAIR, **problems(400, 401, 403, 409, 415, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for its successor and a new access token.

        A refresh token works once. A retry within seconds, when the answer was lost, gets the same successor again;
        any later use ends the whole session. In cookie mode send an empty object and the header `X-CSRF-Token`.
        """
        token, by_cookie = refresh_token_of(request, serializers.RefreshSerializer)
        if not token:
            raise InvalidInput(
                "Send the refresh token, in the body or as the cookie of your login.",
                errors=[FieldError(pointer="/refresh", code="required", detail="This member is required.")],
            )
        pair = refresh_rotate(token=token, caller=caller_of(request), binding=binding_of(request))
        return answered(pair, by_cookie=by_cookie, device=cookies.read(request, cookies.DEVICE) if by_cookie else "")


class StepUpView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_step_up",
        tags=["auth"],
        request=serializers.StepUpSerializer,
        responses={200: _PAIR, **problems(400, 401, 403, 415, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        """Log in again, for what demands a recent login (`step_up_required`): a new session in place of this one."""
        body = serializers.StepUpSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        by_cookie = bool(cookies.read(request, cookies.REFRESH))
        wanted = wanted_of(request, device_cookie=bool(cookies.read(request, cookies.DEVICE)))
        claims = claims_of(request)
        pair = step_up(
            user=user_of(request),
            claims=claims,
            **body.validated_data,
            caller=caller_of(request),
            # A bound session is not loosened by logging in again: the access token's key stays its key.
            wanted=replace(wanted, jkt=claims.jkt),
        )
        return answered(pair, by_cookie=by_cookie)


class RevokeView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED
    parser_classes = [JSONParser, FormParser]

    @extend_schema(
        operation_id="auth_token_revoke",
        tags=["auth"],
        request=serializers.TokenSerializer,
        responses={
            200: OpenApiResponse(description="Revoked, or nothing of yours."),
            **problems(400, 401, 403, 415, 503),
        },
    )
    def post(self, request: Request) -> Response:
        """Revoke one of your tokens (RFC 7009). A refresh token takes its session along."""
        body = serializers.TokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        token_revoke(token=body.validated_data["token"], user=user_of(request))
        return Response(status=status.HTTP_200_OK)


class IntrospectView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED
    parser_classes = [JSONParser, FormParser]

    @extend_schema(
        operation_id="auth_token_introspect",
        tags=["auth"],
        request=serializers.TokenSerializer,
        responses={200: serializers.IntrospectionSerializer, **problems(400, 401, 403, 415, 503)},
    )
    def post(self, request: Request) -> Response:
        """Say what a token is worth right now (RFC 7662). Other people's tokens need the scope `audit:read`."""
        body = serializers.TokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(
            introspect(token=body.validated_data["token"], asker=user_of(request), claims=claims_of(request))
        )


class LogoutView(AuthView):
    permission_classes = [Public]  # an expired access token must not keep anyone from logging out

    @extend_schema(
        operation_id="auth_logout",
        tags=["auth"],
        request=serializers.LogoutSerializer,
        responses={204: None, **problems(400, 401, 403, 415, 503)},
    )
    def post(self, request: Request) -> Response:
        """End the session of the access token, of the refresh token in the body, or of both. At once, everywhere.

        In cookie mode send an empty object and the header `X-CSRF-Token`.
        """
        token, by_cookie = refresh_token_of(request, serializers.LogoutSerializer)
        logout(claims=claims_of(request) if request.auth else None, token=token)
        answer = Response(status=status.HTTP_204_NO_CONTENT)
        if by_cookie:
            cookies.forget(answer)
        return answer


class LogoutAllView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_logout_all", tags=["auth"], request=None, responses={204: None, **problems(401, 403, 503)}
    )
    def post(self, request: Request) -> Response:
        """End all your sessions, this one too."""
        user_sessions_end(user=user_of(request), reason=Reason.LOGOUT_ALL, actor=user_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class PasswordView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_password",
        tags=["auth"],
        request=serializers.PasswordSerializer,
        responses={200: _PAIR, **problems(400, 401, 403, 415, 429, 503)},
    )
    def post(self, request: Request) -> Response:
        """Change your password. Every session ends; the answer holds the tokens of a new one."""
        body = serializers.PasswordSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        claims = claims_of(request)
        wanted = wanted_of(request, device_cookie=bool(cookies.read(request, cookies.DEVICE)))
        pair = password_change(
            user=user_of(request),
            current=body.validated_data["current_password"],
            new=body.validated_data["new_password"],
            caller=caller_of(request),
            wanted=replace(wanted, jkt=claims.jkt),
            amr=claims.amr if "pwd" in claims.amr else ("pwd",),
        )
        return answered(pair, by_cookie=bool(cookies.read(request, cookies.REFRESH)))
