"""Wire shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from authgateway import scopes
from authgateway.models import User
from authgateway.services.issuing import TokenPair

_LONGEST_SECRET = 1024  # hashing has a price per byte; no honest password is longer
_LONGEST_TOKEN = 8192


def _secret(**options: Any) -> serializers.CharField:
    return serializers.CharField(
        max_length=_LONGEST_SECRET, trim_whitespace=False, write_only=True, style={"input_type": "password"}, **options
    )


def _otp(**options: Any) -> serializers.CharField:
    return serializers.CharField(
        max_length=32, write_only=True, help_text="Code of the authenticator app, or a recovery code.", **options
    )


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses members it does not know: a misspelt or smuggled one is never silently dropped."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := sorted(set(data) - set(self.fields))):
            raise serializers.ValidationError({str(name)[:64]: self._unknown() for name in unknown[:10]})
        return super().to_internal_value(data)

    @staticmethod
    def _unknown() -> list[ErrorDetail]:
        return [ErrorDetail("This member is not known here.", code="unknown")]


class LoginSerializer(StrictSerializer):
    username = serializers.CharField(max_length=150)
    password = _secret()
    device_name = serializers.CharField(
        max_length=120, required=False, allow_blank=True, default="", help_text="Shown in the list of sessions."
    )

    otp = _otp(required=False, allow_blank=True, default="")
    transport = serializers.ChoiceField(
        choices=["body", "cookie"],
        default="body",
        help_text="`cookie`: the refresh token goes into an HttpOnly cookie instead of the answer, for browsers; "
        "refreshing and logging out then need the header `X-CSRF-Token`.",
    )
    bind_device = serializers.BooleanField(
        default=False,
        help_text="Bind the session to an HttpOnly device cookie: its refresh token is worthless elsewhere. Always so "
        "with `cookie`.",
    )


class StepUpSerializer(StrictSerializer):
    password = _secret()
    otp = _otp(required=False, allow_blank=True, default="")


class RefreshSerializer(StrictSerializer):
    refresh = serializers.CharField(
        max_length=_LONGEST_TOKEN,
        required=False,
        allow_blank=True,
        default="",
        help_text="Left out in cookie mode only.",
    )


class LogoutSerializer(StrictSerializer):
    refresh = serializers.CharField(
        max_length=_LONGEST_TOKEN,
        required=False,
        allow_blank=True,
        default="",
        help_text="Ends the session of this refresh token, for when the access token has expired.",
    )


class TokenPairSerializer(serializers.Serializer[TokenPair]):
    access = serializers.CharField()
    refresh = serializers.CharField(required=False, help_text="Not in cookie mode.")
    csrf = serializers.CharField(
        required=False, help_text="In cookie mode: what the header `X-CSRF-Token` must say when refreshing."
    )
    token_type = serializers.ChoiceField(choices=["Bearer", "DPoP"])
    expires_in = serializers.IntegerField(help_text="Seconds until the access token expires.")
    scope = serializers.SerializerMethodField(help_text="Scopes of the access token, separated by spaces.")

    def get_scope(self, pair: TokenPair) -> str:
        return " ".join(sorted(pair.scopes))

    def to_representation(self, instance: TokenPair) -> dict[str, Any]:
        return {
            "access": instance.access,
            "refresh": instance.refresh,
            "token_type": "DPoP" if instance.bound else "Bearer",
            "expires_in": instance.expires_in,
            "scope": self.get_scope(instance),
        }


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=_LONGEST_TOKEN, trim_whitespace=False)
    token_type_hint = serializers.CharField(
        max_length=64, required=False, allow_blank=True, default="", help_text="Taken and ignored: tokens tell."
    )


class IntrospectionSerializer(serializers.Serializer[Any]):
    """RFC 7662, section 2.2: only ``active`` when the token is not."""

    active = serializers.BooleanField()
    token_type = serializers.CharField(required=False)
    iss = serializers.CharField(required=False)
    aud = serializers.CharField(required=False)
    sub = serializers.CharField(required=False)
    cnf = serializers.DictField(child=serializers.CharField(), required=False, help_text="RFC 9449, section 6.2.")
    username = serializers.CharField(required=False)
    sid = serializers.UUIDField(required=False)
    jti = serializers.CharField(required=False)
    iat = serializers.IntegerField(required=False)
    nbf = serializers.IntegerField(required=False)
    exp = serializers.IntegerField(required=False)
    scope = serializers.CharField(required=False)


class PasswordSerializer(StrictSerializer):
    current_password = _secret()
    new_password = _secret()


class TotpSerializer(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="Base32, for typing in.")
    uri = serializers.CharField(help_text="`otpauth:` address, for a QR code.")


class CodeSerializer(StrictSerializer):
    code = serializers.RegexField(r"^[0-9]{6}$", max_length=6)


class RecoveryCodesSerializer(serializers.Serializer[Any]):
    recovery_codes = serializers.ListField(child=serializers.CharField(), help_text="Each works once. Shown once.")


class ClientTokenRequestSerializer(serializers.Serializer[Any]):
    """RFC 6749, section 4.4.2."""

    grant_type = serializers.ChoiceField(choices=["client_credentials"])
    scope = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    client_id = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    client_secret = _secret(required=False, allow_blank=True, default="")


class ClientTokenSerializer(serializers.Serializer[Any]):
    """RFC 6749, section 5.1."""

    access_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_in = serializers.IntegerField()
    scope = serializers.CharField(allow_blank=True)


class ApiTokenRequestSerializer(StrictSerializer):
    name = serializers.CharField(max_length=100)
    scope = serializers.CharField(max_length=500, help_text="Scopes, separated by spaces; only ones you have.")
    days = serializers.IntegerField(min_value=1, max_value=36500, default=90, help_text="Until it expires.")


class ApiTokenSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    last_address = serializers.IPAddressField(allow_null=True)


class NewApiTokenSerializer(ApiTokenSerializer):
    token = serializers.CharField(help_text="Shown once.")


class ApiTokenListSerializer(serializers.Serializer[Any]):
    results = ApiTokenSerializer(many=True)


class SessionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="The `sid` of its access tokens.")
    device_name = serializers.CharField(allow_blank=True)
    user_agent = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    created_address = serializers.IPAddressField(allow_null=True)
    last_used_at = serializers.DateTimeField()
    last_address = serializers.IPAddressField(allow_null=True)
    expires_at = serializers.DateTimeField(help_text="When it ends unless it is refreshed.")
    amr = serializers.ListField(child=serializers.CharField())
    current = serializers.BooleanField()


class SessionListSerializer(serializers.Serializer[Any]):
    results = SessionSerializer(many=True)


class MeSerializer(serializers.ModelSerializer[User]):
    email = serializers.CharField(help_text="Empty when none is known.")
    scopes = serializers.SerializerMethodField(help_text="Scopes of the token that asks.")
    session = serializers.SerializerMethodField(help_text="The `sid` of the token that asks.")

    class Meta:
        model = User
        fields = [
            "id",
            "username",
            "email",
            "first_name",
            "last_name",
            "is_staff",
            "is_superuser",
            "date_joined",
            "last_login",
            "scopes",
            "session",
        ]
        read_only_fields = fields

    def get_scopes(self, user: User) -> list[str]:
        return sorted(self.context["claims"].scopes)

    def get_session(self, user: User) -> str:
        return str(self.context["claims"].sid)


class JwkSerializer(serializers.Serializer[Any]):
    kty = serializers.CharField()
    n = serializers.CharField()
    e = serializers.CharField()
    kid = serializers.CharField(help_text="RFC 7638 thumbprint.")
    use = serializers.CharField()
    alg = serializers.CharField()


class JwksSerializer(serializers.Serializer[Any]):
    keys = JwkSerializer(many=True)


class FieldErrorSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="RFC 6901 pointer into the request body.", allow_blank=True)
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField(allow_blank=True)
    errors = FieldErrorSerializer(many=True, required=False)  # type: ignore[assignment]  # the member's name in our API


SCOPES_TEXT = "\n".join(f"- `{name}`: {text}" for name, text in scopes.DESCRIPTIONS.items())
