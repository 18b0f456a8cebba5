"""Access tokens for a session."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime

from altlas.kernel.clock import now
from authgateway import scopes
from authgateway.conf import conf
from authgateway.keys import ring
from authgateway.models import Family, User
from authgateway.tokens import access
from authgateway.tokens.claims import AccessClaims

_random = random.SystemRandom()


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenPair:
    """What login and refresh answer."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in: int
    scopes: frozenset[str]
    sid: str
    bound: bool = False  # to a DPoP key
    device: str = field(default="", repr=False)  # the device cookie to set; empty: none, or it stays as it is


def claims_for(
    family: Family, user: User, *, moment: datetime | None = None, granted: frozenset[str] | None = None
) -> AccessClaims:
    """Return the claims of a new access token.

    To be called inside the transaction that holds the family's lock: `iat` must not be later than a revocation that
    comes after it, or the user's epoch would not cover it.
    """
    issued = max(int((moment or now()).timestamp()), user.epoch)
    lifetime = round(conf.access_seconds * (1 - conf.access_jitter * _random.random()))
    return AccessClaims(
        sub=user.pk,
        sid=family.pk,
        jti=access.new_jti(),
        iat=issued,
        exp=issued + lifetime,
        scopes=scopes.of_user(user) if granted is None else granted,
        amr=tuple(family.amr),
        # A distrusted session has never logged in, as far as sensitive actions are concerned.
        auth_time=0 if family.distrusted_at else min(int(family.auth_time.timestamp()), issued),
        jkt=family.jkt,
    )


def sign(claims: AccessClaims) -> str:
    """Sign outside of any transaction: it takes milliseconds, and no lock may wait for it."""
    return access.sign(claims, signer=ring.signer(), issuer=conf.issuer, audience=conf.audience)


def pair(claims: AccessClaims, refresh: str, *, device: str = "") -> TokenPair:
    return TokenPair(
        access=sign(claims),
        refresh=refresh,
        expires_in=claims.exp - claims.iat,
        scopes=claims.scopes,
        sid=str(claims.sid),
        bound=bool(claims.jkt),
        device=device,
    )
