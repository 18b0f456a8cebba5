"""Who is asking: bearer access tokens for DRF."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from psycopg_pool import PoolTimeout, TooManyRequests
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from altlas.kernel import log_context
from altlas.kernel.clock import now
from altlas.kernel.errors import NotAuthenticated
from authgateway.caller import Caller, caller_of
from authgateway.conf import conf
from authgateway.denylist import gate
from authgateway.exceptions import RevocationUnavailable, StepUpRequired, TokenInvalid
from authgateway.keys import ring
from authgateway.models import SecurityEvent, User
from authgateway.services.machines import api_token_holder
from authgateway.services.proofs import proof_take
from authgateway.services.security_events import event_record, refusal_record
from authgateway.tokens import opaque, verified, verifier
from authgateway.tokens.claims import AccessClaims
from authgateway.tokens.dpop import Target

_DATABASE_AWAY = (DatabaseError, InterfaceError, PoolTimeout, TooManyRequests)


class AccessTokenAuthentication(BaseAuthentication):
    """An access token of ours (``Bearer``, or ``DPoP`` with a proof) or an API token (``Bearer``).

    Sets ``request.user`` and ``request.auth`` (AccessClaims).
    """

    def authenticate(self, request: Request) -> tuple[User, AccessClaims] | None:
        try:
            found = credential(request.META.get("HTTP_AUTHORIZATION", ""))
            if found is None:
                return None
            scheme, token = found
            if scheme == "bearer" and token.startswith(opaque.API):
                return authenticate_api_token(token, caller_of(request))
            user, claims = authenticate_token(token)
            if scheme == "dpop" or claims.jkt:
                self._prove(request, scheme, token, claims)
            log_context.note(user=user.pk)
            return user, claims
        except TokenInvalid as exc:
            refusal_record(reason=exc.reason, severity=exc.severity, caller=caller_of(request))
            raise

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _prove(self, request: Request, scheme: str, token: str, claims: AccessClaims) -> None:
        if scheme == "bearer":
            raise TokenInvalid("dpop_downgrade", severity="high")  # stolen, or a client that forgot its proof
        proof = request.META.get("HTTP_DPOP", "")
        # Forward-auth asks on behalf of another address than its own.
        target_in = getattr((request.parser_context or {}).get("view"), "proof_target", target_of)
        jkt = proof_take(text=proof, target=target_in(request), caller=caller_of(request), access_token=token)
        if jkt != claims.jkt:
            raise TokenInvalid("dpop_other_key", severity="high")


def target_of(request: HttpRequest) -> Target:
    return Target(method=request.method or "", url=request.build_absolute_uri(request.path))


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


def require_recent(request: Request) -> None:
    """Demand that the caller has logged in lately (RFC 9470): for what a stolen access token must not be able to do.

    Raises:
        StepUpRequired: the login is too old, or there was none (machines).
    """
    claims = claims_of(request)
    if now().timestamp() - claims.auth_time > conf.step_up_seconds:
        event_record(
            kind="step_up_required",
            severity=SecurityEvent.Severity.INFO,
            user_id=claims.sub,
            aggregate=str(claims.sid),
            detail={"path": request.path[:100]},
        )
        raise StepUpRequired(max_age=conf.step_up_seconds)


def credential(header: str) -> tuple[str, str] | None:
    """Return scheme and token of an Authorization header; None when it has another scheme.

    Raises:
        TokenInvalid: the header is malformed.
    """
    scheme, _, token = header.partition(" ")
    scheme = scheme.lower()
    if scheme not in {"bearer", "dpop"}:
        return None
    if not token or token != token.strip() or " " in token:
        raise TokenInvalid("malformed")
    return scheme, token


def authenticate_api_token(token: str, caller: Caller) -> tuple[User, AccessClaims]:
    """Return who holds an API token and what it allows.

    Raises:
        TokenInvalid, RevocationUnavailable: as ``authenticate_token``.
    """
    if not opaque.is_api_token(token):
        raise TokenInvalid("malformed")
    try:
        found = api_token_holder(token=token, address=caller.address)
    except _DATABASE_AWAY as exc:
        raise RevocationUnavailable("Revocation cannot be checked right now; try again shortly.") from exc
    if found is None:
        raise TokenInvalid("api_token_refused")
    return found


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
    return verified.verify(token, policy=policy, now=now().timestamp())
