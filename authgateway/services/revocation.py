"""Ending what a token stands for: logout, RFC 7009 revocation, and one's own sessions."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from altlas.kernel.clock import now
from altlas.kernel.errors import NotFound
from authgateway import authentication
from authgateway.exceptions import TokenInvalid
from authgateway.models import ApiToken, Denial, Family, SecurityEvent, User
from authgateway.services.machines import api_token_revoke
from authgateway.services.security_events import event_record
from authgateway.services.sessions import deny, sessions_revoke
from authgateway.tokens import opaque, refresh
from authgateway.tokens.claims import AccessClaims

Reason = Family.Reason


def logout(*, claims: AccessClaims | None, token: str = "") -> None:
    """End the session of an access token's ``claims`` and that of the refresh token ``token``, whichever are given.

    Raises:
        TokenInvalid: neither is given.
    """
    if claims is None and not token:
        raise TokenInvalid("missing")
    with transaction.atomic(durable=True):
        if claims is not None:
            ended = sessions_revoke(families=Family.objects.filter(pk=claims.sid), reason=Reason.LOGOUT)
            if not ended:
                # Ended before, or its row is gone: the token must not outlive this answer all the same.
                deny([(Denial.Kind.SID, str(claims.sid), claims.sub)], reason=Reason.LOGOUT, moment=now())
        if refresh.is_shaped(token):
            sessions_revoke(
                families=Family.objects.filter(tokens__token_hash=refresh.digest(token)), reason=Reason.LOGOUT
            )


def session_revoke(*, user: User, session_id: UUID) -> None:
    """End one of the user's own sessions.

    Raises:
        NotFound: no such session, or somebody else's.
    """
    if not Family.objects.filter(user=user, pk=session_id).exists():
        if Family.objects.filter(pk=session_id).exists():
            event_record(
                kind="idor",
                severity=SecurityEvent.Severity.MEDIUM,
                user=user,
                family_id=session_id,
                aggregate=str(user.pk),
            )
        raise NotFound("You have no such session.")
    sessions_revoke(families=Family.objects.filter(user=user, pk=session_id), reason=Reason.REVOKED)


def token_revoke(*, token: str, user: User) -> None:
    """Revoke ``token`` as RFC 7009 says: silently nothing when it is unknown or somebody else's."""
    if refresh.is_shaped(token):
        own = Family.objects.filter(user=user, tokens__token_hash=refresh.digest(token))
        sessions_revoke(families=own, reason=Reason.REVOKED)
        return
    if opaque.is_api_token(token):
        row = ApiToken.objects.filter(user=user, token_hash=opaque.digest(token)).first()
        if row is not None:
            api_token_revoke(token_id=row.pk, user=user)
        return
    try:
        claims = authentication.verify(token)
    except TokenInvalid:
        return
    if claims.sub == user.pk:
        with transaction.atomic():
            deny([(Denial.Kind.JTI, claims.jti, user.pk)], reason=Reason.REVOKED, moment=now())
