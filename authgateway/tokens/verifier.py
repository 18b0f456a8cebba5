"""The one verifier of access tokens: API, forward-auth and introspection all come here.

Order: size, alphabet, header, key, signature, then claims; nothing of the payload is read before the signature holds
(RFC 8725). Only the exact form that ``access.sign`` makes is accepted: base64url in its one canonical spelling, so
that no second string means the same token, and a header of exactly three members, so that no key is ever taken from
the token itself.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from authgateway.exceptions import TokenExpired, TokenInvalid, TokenWrongType
from authgateway.tokens import refresh, strict_json
from authgateway.tokens.access import TYPE
from authgateway.tokens.claims import AccessClaims

LONGEST = 8192
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_KID = re.compile(r"[A-Za-z0-9_-]{43}")
_JTI = re.compile(r"[A-Za-z0-9_-]{16,64}")
_KEY_FROM_TOKEN = frozenset({"jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"})
_HEADER = frozenset({"alg", "kid", "typ"})
_CLAIMS = frozenset({"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "scope", "amr", "auth_time"})
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What a verifier demands."""

    issuer: str
    audience: str
    longest_life: int
    skew: int
    keys: Mapping[str, rsa.RSAPublicKey] = field(repr=False)
    refused: Mapping[str, str] = field(repr=False, default_factory=dict)


def verify(token: str, *, policy: Policy, now: float) -> AccessClaims:
    """Return the claims of ``token``.

    Raises:
        TokenExpired, TokenWrongType, TokenInvalid: with the reason for the security log.
    """
    if len(token) > LONGEST:
        raise TokenInvalid("oversize")
    if token.startswith(refresh.PREFIX):
        raise TokenWrongType("type_confusion")
    if not _SHAPE.fullmatch(token):
        raise TokenInvalid("malformed")
    head, payload, signature = token.split(".")
    key = _key(kid_of(token), policy)
    if not _RS256.verify(f"{head}.{payload}".encode("ascii"), key, decode_segment(signature)):
        raise TokenInvalid("bad_signature")
    return _claims(_object(payload), policy, now)


def check_times(*, iat: int, nbf: int, exp: int, policy: Policy, now: float) -> None:
    """Refuse what is not valid yet or any more.

    Raises:
        TokenExpired, TokenInvalid
    """
    if max(iat, nbf) > now + policy.skew:
        raise TokenInvalid("not_yet_valid")
    if exp <= now:
        raise TokenExpired("expired")


def kid_of(token: str) -> str:
    """Return the id of the key that the header of a token names.

    Raises:
        TokenInvalid, TokenWrongType
    """
    kid = _header(token.partition(".")[0])["kid"]
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise TokenInvalid("kid_rejected")
    return kid


def decode_segment(segment: str) -> bytes:
    if len(segment) % 4 == 1:
        raise TokenInvalid("malformed")
    raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise TokenInvalid("malleated")
    return raw


def _object(segment: str) -> dict[str, Any]:
    raw = decode_segment(segment)
    try:
        return strict_json.loads(raw)
    except ValueError:
        raise TokenInvalid("malformed") from None


def _header(segment: str) -> dict[str, Any]:
    header = _object(segment)
    if _KEY_FROM_TOKEN & header.keys():
        raise TokenInvalid("header_key_injection", severity="high")
    if header.get("alg") != "RS256":
        confusion = str(header.get("alg")).upper().startswith("HS")
        raise TokenInvalid("alg_confusion" if confusion else "alg_rejected", severity="high" if confusion else "low")
    if header.get("typ") != TYPE:
        raise TokenWrongType("type_confusion")
    if header.keys() != _HEADER:
        raise TokenInvalid("malformed")
    return header


def _key(kid: str, policy: Policy) -> rsa.RSAPublicKey:
    key = policy.keys.get(kid)
    if key is None:
        if kid in policy.refused:
            raise TokenInvalid("retired_kid", severity="high")
        raise TokenInvalid("kid_rejected")
    return key


def _claims(claims: Mapping[str, Any], policy: Policy, now: float) -> AccessClaims:
    if claims.keys() - {"cnf"} != _CLAIMS:
        raise TokenInvalid("claim_mismatch")
    if claims["iss"] != policy.issuer or claims["aud"] != policy.audience:
        raise TokenInvalid("claim_mismatch")
    iat, nbf, exp, auth_time = (_integer(claims[name]) for name in ("iat", "nbf", "exp", "auth_time"))
    if not 0 < exp - iat <= policy.longest_life or auth_time > iat:
        raise TokenInvalid("absurd_times")
    check_times(iat=iat, nbf=nbf, exp=exp, policy=policy, now=now)
    scope, amr, jti = claims["scope"], claims["amr"], claims["jti"]
    if not isinstance(scope, str) or not isinstance(amr, list) or not all(isinstance(item, str) for item in amr):
        raise TokenInvalid("claim_mismatch")
    if not isinstance(jti, str) or not _JTI.fullmatch(jti):
        raise TokenInvalid("claim_mismatch")
    return AccessClaims(
        sub=_uuid(claims["sub"]),
        sid=_uuid(claims["sid"]),
        jti=jti,
        iat=iat,
        exp=exp,
        scopes=frozenset(scope.split()),
        amr=tuple(amr),
        auth_time=auth_time,
        jkt=_jkt(claims["cnf"]) if "cnf" in claims else "",
    )


def _jkt(confirmation: Any) -> str:
    if not isinstance(confirmation, dict) or confirmation.keys() != {"jkt"}:
        raise TokenInvalid("claim_mismatch")
    jkt = confirmation["jkt"]
    if not isinstance(jkt, str) or not _KID.fullmatch(jkt):
        raise TokenInvalid("claim_mismatch")
    return jkt


def _integer(value: Any) -> int:
    if type(value) is not int:  # a bool is an int too
        raise TokenInvalid("absurd_times")
    return value


def _uuid(value: Any) -> UUID:
    try:
        found = UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise TokenInvalid("claim_mismatch") from None
    if str(found) != value:
        raise TokenInvalid("malleated")
    return found
