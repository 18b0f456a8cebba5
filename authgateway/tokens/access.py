"""Making access tokens."""

from __future__ import annotations

import base64
import json
import secrets

from jwt.algorithms import RSAAlgorithm

from authgateway.keys.ring import Signer
from authgateway.tokens.claims import AccessClaims

TYPE = "at+jwt"
_RS256 = RSAAlgorithm(RSAAlgorithm.SHA256)


def new_jti() -> str:
    return secrets.token_urlsafe(16)


def encode_segment(value: object) -> bytes:
    raw = json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def sign(claims: AccessClaims, *, signer: Signer, issuer: str, audience: str) -> str:
    """Return the compact serialization of ``claims`` (RFC 7515) signed with RS256."""
    header = {"alg": "RS256", "kid": signer.kid, "typ": TYPE}
    payload: dict[str, object] = {
        "iss": issuer,
        "aud": audience,
        "sub": str(claims.sub),
        "sid": str(claims.sid),
        "jti": claims.jti,
        "iat": claims.iat,
        "nbf": claims.iat,
        "exp": claims.exp,
        "scope": " ".join(sorted(claims.scopes)),
        "amr": list(claims.amr),
        "auth_time": claims.auth_time,
    }
    if claims.jkt:
        payload["cnf"] = {"jkt": claims.jkt}
    signing_input = encode_segment(header) + b"." + encode_segment(payload)
    signature = base64.urlsafe_b64encode(_RS256.sign(signing_input, signer.key)).rstrip(b"=")
    return (signing_input + b"." + signature).decode("ascii")
