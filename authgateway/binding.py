"""What a session is bound to beside its refresh token: a device cookie, a DPoP key, or nothing."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding:
    """What came along with a request.

    ``device`` is the device cookie, empty when there is none; ``jkt`` the thumbprint of a DPoP proof that was already
    found good, empty when there was no proof.
    """

    device: str = field(default="", repr=False)
    jkt: str = ""

    def matches(self, *, device_hash: bytes | None, jkt: str) -> bool:
        """Whether a session bound to these may be used by this request."""
        if jkt and not hmac.compare_digest(jkt, self.jkt):
            return False
        return device_hash is None or hmac.compare_digest(device_hash, digest(self.device))


def new_device() -> str:
    return secrets.token_urlsafe(32)


def is_device(text: str) -> bool:
    return _SHAPE.fullmatch(text) is not None


def digest(device: str) -> bytes:
    return hashlib.sha256(device.encode("utf-8", "replace")).digest()


NONE = Binding()
