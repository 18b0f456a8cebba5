"""RFC 7662: what a token is worth right now."""

from __future__ import annotations

from typing import Any

from altlas.kernel.clock import now
from authgateway import authentication, scopes
from authgateway.conf import conf
from authgateway.exceptions import TokenInvalid
from authgateway.models import ApiToken, RefreshToken, User
from authgateway.tokens import opaque, refresh
from authgateway.tokens.claims import AccessClaims

INACTIVE: dict[str, Any] = {"active": False}


def introspect(*, token: str, asker: User, claims: AccessClaims) -> dict[str, Any]:
    """Describe ``token``. Somebody else's is inactive to those without the scope ``audit:read``."""
    if refresh.is_shaped(token):
        found = _refresh(token)
    elif opaque.is_api_token(token):
        found = _api_token(token)
    else:
        found = _access(token)
    if found is None or (found["sub"] != str(asker.pk) and scopes.AUDIT_READ not in claims.scopes):
        return INACTIVE
    return found


def _access(token: str) -> dict[str, Any] | None:
    try:
        user, claims = authentication.authenticate_token(token)
    except TokenInvalid:
        return None
    return {
        "active": True,
        "token_type": "DPoP" if claims.jkt else "Bearer",
        "iss": conf.issuer,
        "aud": conf.audience,
        "sub": str(claims.sub),
        "username": user.username,
        "sid": str(claims.sid),
        "jti": claims.jti,
        "iat": claims.iat,
        "nbf": claims.iat,
        "exp": claims.exp,
        "scope": " ".join(sorted(claims.scopes)),
        **({"cnf": {"jkt": claims.jkt}} if claims.jkt else {}),
    }


def _api_token(token: str) -> dict[str, Any] | None:
    row = (
        ApiToken.objects.select_related("user")
        .filter(token_hash=opaque.digest(token), revoked_at__isnull=True, expires_at__gt=now(), user__is_active=True)
        .first()
    )
    if row is None:
        return None
    return {
        "active": True,
        "token_type": "Bearer",
        "iss": conf.issuer,
        "sub": str(row.user_id),
        "username": row.user.username,
        "iat": int(row.created_at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
        "scope": " ".join(sorted(frozenset(row.scopes) & scopes.of_user(row.user))),
    }


def _refresh(token: str) -> dict[str, Any] | None:
    row = RefreshToken.objects.select_related("family__user").filter(token_hash=refresh.digest(token)).first()
    if row is None or row.used_at is not None or row.family.revoked_at is not None:
        return None
    if min(row.expires_at, row.family.absolute_expires_at) <= now() or not row.family.user.is_active:
        return None
    return {
        "active": True,
        "token_type": "refresh_token",
        "iss": conf.issuer,
        "sub": str(row.family.user_id),
        "username": row.family.user.username,
        "sid": str(row.family_id),
        "iat": int(row.created_at.timestamp()),
        "exp": int(row.expires_at.timestamp()),
    }
