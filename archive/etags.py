"""Entity tags: a record's version, a list's digest. Pure (RFC 9110, sections 8.8.3 and 13.1)."""

from __future__ import annotations

import hashlib
import re

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')
_VERSION = re.compile(r"v([1-9][0-9]{0,9})")
ANY = "*"


def of_version(version: int) -> str:
    return f'"v{version}"'


def of_body(body: str | bytes) -> str:
    """Return a weak tag: links in a page carry cursors that are sealed anew each time."""
    data = body.encode() if isinstance(body, str) else body
    return f'W/"{hashlib.blake2b(data, digest_size=12).hexdigest()}"'


def matches(header: str | None, tag: str) -> bool:
    """Whether an If-None-Match header names ``tag`` (weak comparison)."""
    if header is None:
        return False
    if header.strip() == ANY:
        return True
    opaque = tag.removeprefix("W/").strip('"')
    return any(found[2] == opaque for found in _TAG.finditer(header))


def versions(header: str | None) -> frozenset[int] | None:
    """Return the versions that an If-Match header allows (strong comparison); None when every one is."""
    if header is None or header.strip() == ANY:
        return None
    strong = (found[2] for found in _TAG.finditer(header) if not found[1])
    return frozenset(int(match[1]) for tag in strong if (match := _VERSION.fullmatch(tag)))
