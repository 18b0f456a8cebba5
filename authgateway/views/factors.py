"""The second factor."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from authgateway import serializers
from authgateway.authentication import require_recent, user_of
from authgateway.caller import caller_of
from authgateway.permissions import AUTHENTICATED, HasScope
from authgateway.schema import problems
from authgateway.services.totp import recovery_codes_renew, totp_confirm, totp_enrol, totp_remove
from authgateway.views.base import AuthView


class TotpView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_totp_enrol",
        tags=["auth"],
        request=None,
        responses={200: serializers.TotpSerializer, **problems(401, 403, 409, 503)},
    )
    def post(self, request: Request) -> Response:
        """Get a secret for an authenticator app. Needs a recent login; counts when confirmed."""
        require_recent(request)
        return Response(serializers.TotpSerializer(totp_enrol(user=user_of(request))).data)

    @extend_schema(operation_id="auth_totp_remove", tags=["auth"], responses={204: None, **problems(401, 403, 503)})
    def delete(self, request: Request) -> Response:
        """Switch the second factor off. Needs a recent login; every session ends."""
        require_recent(request)
        totp_remove(user=user_of(request), caller=caller_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class TotpConfirmView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_totp_confirm",
        tags=["auth"],
        request=serializers.CodeSerializer,
        responses={200: serializers.RecoveryCodesSerializer, **problems(400, 401, 403, 415, 503)},
    )
    def post(self, request: Request) -> Response:
        """Switch the second factor on with a code of the app. Every session ends; the answer holds recovery codes."""
        require_recent(request)
        body = serializers.CodeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        codes = totp_confirm(user=user_of(request), code=body.validated_data["code"], caller=caller_of(request))
        return Response({"recovery_codes": codes})


class RecoveryCodesView(AuthView):
    permission_classes = [HasScope]
    required_scopes = AUTHENTICATED

    @extend_schema(
        operation_id="auth_recovery_codes",
        tags=["auth"],
        request=None,
        responses={200: serializers.RecoveryCodesSerializer, **problems(401, 403, 409, 503)},
    )
    def post(self, request: Request) -> Response:
        """Get new recovery codes in place of the old ones. Needs a recent login."""
        require_recent(request)
        return Response({"recovery_codes": recovery_codes_renew(user=user_of(request), caller=caller_of(request))})
