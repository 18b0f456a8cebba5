"""Secrets of machines: API tokens and client secrets, opaque, 256 bit, known to us by their hash alone."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final

API: Final = "alp_"  # prefixes let secret scanners recognise a leaked one
CLIENT: Final = "alc_"
_SHAPE = re.compile(r"al[pc]_[A-Za-z0-9_-]{43}")


def new(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def is_api_token(text: str) -> bool:
    return text.startswith(API) and _SHAPE.fullmatch(text) is not None


def digest(secret: str) -> bytes:
    """Return what is stored. Plain SHA-256: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def matches(secret: str, stored: bytes) -> bool:
    return hmac.compare_digest(digest(secret), stored)
