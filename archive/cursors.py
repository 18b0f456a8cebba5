"""Page cursors: where a walk stands, sealed so that only the list that gave it takes it back.

A cursor is base64url(mac | body). The body holds the expiry, the direction and the typed key of one row. The HMAC
covers the body and a binding (owner, filters, ordering) that is not sent: a cursor of another owner, another filter or
another order has a wrong mac, just as a forged one has. Pure: keys, binding and time are arguments.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgpack

from archive.exceptions import InvalidCursor

Key = datetime | UUID | float | str | None

_VERSION = 1
_MAC_BYTES = 16
_LONGEST = 4096  # a title of 300 four-byte characters, with room
_TIME, _UUID = 1, 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """A row's key and which way to go from it; ``inclusive`` when the row itself belongs to the page."""

    keys: tuple[Key, ...]
    backward: bool = False
    inclusive: bool = False


def signing_key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"archive.cursor", "sha256")


def binding(*parts: Any) -> bytes:
    """Return a digest of what a cursor belongs to; ``parts`` are JSON values."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).digest()


def encode(position: Position, *, key: bytes, binding: bytes, expires: datetime) -> str:
    body: bytes = msgpack.packb(
        [
            _VERSION,
            int(expires.timestamp()),
            position.backward,
            position.inclusive,
            [_pack(value) for value in position.keys],
        ]
    )
    return base64.urlsafe_b64encode(_mac(key, binding, body) + body).rstrip(b"=").decode()


def decode(text: str, *, keys: Sequence[bytes], binding: bytes, now: datetime) -> Position:
    """Return the position that ``text`` holds; ``keys`` are the current signing key and those before it.

    Raises:
        InvalidCursor: forged, of another list, expired or malformed.
    """
    raw = _unbase64(text)
    mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not any(hmac.compare_digest(mac, _mac(key, binding, body)) for key in keys):
        raise InvalidCursor("The cursor was not made by this list; begin again without it.")
    # The mac is right, so the body is one of ours: only its age and its version can be wrong.
    version, expires, backward, inclusive, values = msgpack.unpackb(body, ext_hook=_unpack)
    if version != _VERSION or now.timestamp() >= expires:
        raise InvalidCursor("The cursor has expired; begin again without it.")
    return Position(keys=tuple(values), backward=backward, inclusive=inclusive)


def _mac(key: bytes, binding: bytes, body: bytes) -> bytes:
    return hmac.digest(key, binding + body, "sha256")[:_MAC_BYTES]


def _unbase64(text: str) -> bytes:
    if len(text) > _LONGEST:
        raise InvalidCursor("The cursor is malformed.")
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise InvalidCursor("The cursor is malformed.") from None
    # Base64 has several spellings of the same bytes; only ours is accepted.
    if len(raw) <= _MAC_BYTES or base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
        raise InvalidCursor("The cursor is malformed.")
    return raw


def _pack(value: Key) -> Any:
    if isinstance(value, datetime):
        return msgpack.ExtType(_TIME, ((value - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True))
    if isinstance(value, UUID):
        return msgpack.ExtType(_UUID, value.bytes)
    return value


def _unpack(code: int, data: bytes) -> Key:
    if code == _TIME:
        return _EPOCH + timedelta(microseconds=int.from_bytes(data, "big", signed=True))
    return UUID(bytes=data)
