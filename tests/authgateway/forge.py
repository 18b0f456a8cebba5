"""Makes tokens that an attacker would, and some that only we could."""

from __future__ import annotations

import base64
import json
from typing import Any

from authgateway.conf import conf
from authgateway.keys import ring
from authgateway.models import Family, User
from authgateway.tokens.access import _RS256, new_jti


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def header(**changes: Any) -> dict[str, Any]:
    return _changed({"alg": "RS256", "kid": ring.signer().kid, "typ": "at+jwt"}, changes)


def claims(user: User, family: Family, *, now: int, **changes: Any) -> dict[str, Any]:
    return _changed(
        {
            "iss": conf.issuer,
            "aud": conf.audience,
            "sub": str(user.pk),
            "sid": str(family.pk),
            "jti": new_jti(),
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "scope": "segment",
            "amr": ["pwd"],
            "auth_time": now,
        },
        changes,
    )


def _changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**base, **changes}.items() if value is not ABSENT}


class _Absent:
    def __repr__(self) -> str:
        return "absent"  # names a test, so it is the same in every process


ABSENT = _Absent()


def signed(head: dict[str, Any] | bytes, payload: dict[str, Any] | bytes, *, key: Any = None) -> str:
    """Return a token signed with our active key (or ``key``), whatever it says."""
    parts = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (head, payload)]
    signing_input = ".".join(b64(part) for part in parts)
    signature = _RS256.sign(signing_input.encode(), key or ring.signer().key)
    return f"{signing_input}.{b64(signature)}"


def with_signature(head: dict[str, Any], payload: dict[str, Any], signature: bytes) -> str:
    return f"{b64(json.dumps(head).encode())}.{b64(json.dumps(payload).encode())}.{b64(signature)}"
