"""Who is asking: bearer access tokens for DRF."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError
from psycopg_pool import PoolTimeout, TooManyRequests
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from altlas.kernel import log_context
from altlas.kernel.clock import now
from altlas.kernel.errors import NotAuthenticated
from authgateway.caller import caller_of
from authgateway.conf import conf
from authgateway.denylist import gate
from authgateway.exceptions import RevocationUnavailable, TokenInvalid
from authgateway.keys import ring
from authgateway.models import User
from authgateway.services.security_events import refusal_record
from authgateway.tokens import verifier
from authgateway.tokens.claims import AccessClaims

_DATABASE_AWAY = (DatabaseError, InterfaceError, PoolTimeout, TooManyRequests)


class AccessTokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer`` with an access token of ours: ``request.user`` and ``request.auth`` (AccessClaims)."""

    def authenticate(self, request: Request) -> tuple[User, AccessClaims] | None:
        try:
            token = bearer_token(request.META.get("HTTP_AUTHORIZATION", ""))
            if token is None:
                return None
            user, claims = authenticate_token(token)
            log_context.note(user=user.pk)
            return user, claims
        except TokenInvalid as exc:
            refusal_record(reason=exc.reason, severity=exc.severity, caller=caller_of(request))
            raise

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def user_of(request: Request) -> User:
    """Return who asks, for views that demand a token.

    Raises:
        NotAuthenticated: nobody.
    """
    if not isinstance(request.user, User):
        raise NotAuthenticated
    return request.user


def claims_of(request: Request) -> AccessClaims:
    """Return what the token says, for views that demand one.

    Raises:
        NotAuthenticated: there is none.
    """
    claims: object = request.auth
    if not isinstance(claims, AccessClaims):
        raise NotAuthenticated
    return claims


def bearer_token(header: str) -> str | None:
    """Return the token of an Authorization header; None when it has another scheme.

    Raises:
        TokenInvalid: the header is malformed.
    """
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        return None
    if not token or token != token.strip() or " " in token:
        raise TokenInvalid("malformed")
    return token


def authenticate_token(token: str) -> tuple[User, AccessClaims]:
    """Return who holds ``token`` and what it says.

    Raises:
        TokenInvalid: it is refused.
        RevocationUnavailable: whether it was revoked cannot be found out; refusing is the only safe answer.
    """
    try:
        claims = verify(token)
        user = gate.holder(claims)
    except _DATABASE_AWAY as exc:
        raise RevocationUnavailable("Revocation cannot be checked right now; try again shortly.") from exc
    if user is None:
        raise TokenInvalid("revoked")
    return user, claims


def verify(token: str) -> AccessClaims:
    """Check everything that needs no state but the keys."""
    held = ring.current()
    policy = verifier.Policy(
        issuer=conf.issuer,
        audience=conf.audience,
        longest_life=conf.access_seconds,
        skew=conf.clock_skew,
        keys=held.verifying,
        refused=held.refused,
    )
    return verifier.verify(token, policy=policy, now=now().timestamp())
