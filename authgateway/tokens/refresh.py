"""Refresh tokens: opaque, 256 bit, known to us by their hash alone."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

PREFIX = "alr_"  # lets secret scanners recognise a leaked one
_SHAPE = re.compile(r"alr_[A-Za-z0-9_-]{43}")


def new() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def is_shaped(token: str) -> bool:
    return _SHAPE.fullmatch(token) is not None


def digest(token: str) -> bytes:
    """Return what is stored. Plain SHA-256: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode("ascii")).digest()


def new_nonce() -> bytes:
    return secrets.token_bytes(16)


def successor(token: str, *, nonce: bytes, key: bytes) -> str:
    """Return the successor of ``token``.

    The same for every retry, and not computable from the database alone: that takes the presented token, the row's
    nonce and the server's key.
    """
    raw = hmac.new(key, nonce + token.encode("ascii"), hashlib.sha256).digest()
    return PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
