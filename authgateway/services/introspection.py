"""RFC 7662: what a token is worth right now."""

from __future__ import annotations

from typing import Any

from altlas.kernel.clock import now
from authgateway import authentication, scopes
from authgateway.conf import conf
from authgateway.exceptions import TokenInvalid
from authgateway.models import RefreshToken, User
from authgateway.tokens import refresh
from authgateway.tokens.claims import AccessClaims

INACTIVE: dict[str, Any] = {"active": False}


def introspect(*, token: str, asker: User, claims: AccessClaims) -> dict[str, Any]:
    """Describe ``token``. Somebody else's is inactive to those without the scope ``audit:read``."""
    found = _refresh(token) if refresh.is_shaped(token) else _access(token)
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
        "token_type": "Bearer",
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
    }


def _refresh(token: str) -> dict[str, Any] | None:
    row = RefreshToken.objects.select_related("family__user").filter(token_hash=refresh.digest(token)).first()
    if row is None or row.used_at is not None or row.family.revoked_at is not None:
        return None
    if row.expires_at <= now() or not row.family.user.is_active:
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
