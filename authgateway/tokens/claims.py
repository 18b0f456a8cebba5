"""Claims of an access token (RFC 9068), and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessClaims:
    """What a verified access token says. Times are Unix seconds. ``request.auth`` of every request."""

    sub: UUID
    sid: UUID
    jti: str
    iat: int
    exp: int
    scopes: frozenset[str]
    amr: tuple[str, ...]
    auth_time: int
    jkt: str = ""  # RFC 9449: thumbprint of the key whose proof must come along; empty: a bearer token
