"""Remembering that a signature was good: a client sends the same access token for minutes.

Only what cannot change is remembered: that these very bytes were signed by that very key, and what they say. Whether
the key may verify, whether the times hold now and whether the token was revoked is asked every time.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

from cryptography.hazmat.primitives.asymmetric import rsa

from authgateway.tokens import verifier
from authgateway.tokens.claims import AccessClaims
from authgateway.tokens.verifier import Policy

_MOST = 4096
# Of the token and of what the policy demands of it -> key id, key, claims.
_Found = tuple[str, rsa.RSAPublicKey, AccessClaims]
_remembered: OrderedDict[tuple[bytes, str, str, int], _Found] = OrderedDict()
_lock = threading.Lock()


def verify(token: str, *, policy: Policy, now: float) -> AccessClaims:
    """As ``verifier.verify``, with the signature of a token checked once per process.

    Raises:
        TokenExpired, TokenWrongType, TokenInvalid: with the reason for the security log.
    """
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
    name = (digest, policy.issuer, policy.audience, policy.longest_life)
    with _lock:
        found = _remembered.get(name)
        if found is not None:
            _remembered.move_to_end(name)
    if found is not None and policy.keys.get(found[0]) is found[1]:
        claims = found[2]
        verifier.check_times(iat=claims.iat, nbf=claims.iat, exp=claims.exp, policy=policy, now=now)
        return claims
    claims = verifier.verify(token, policy=policy, now=now)
    kid = verifier.kid_of(token)
    with _lock:
        _remembered[name] = (kid, policy.keys[kid], claims)
        while len(_remembered) > _MOST:
            _remembered.popitem(last=False)
    return claims


def forget() -> None:
    with _lock:
        _remembered.clear()
