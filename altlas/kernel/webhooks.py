"""Signed webhook calls: the receiver can tell ours from anybody's, and an old one from a new one."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.request
from typing import Any

from altlas.kernel.clock import now


def signature(body: bytes, *, moment: int, secret: str) -> str:
    """Return the value of ``X-Altlas-Signature``; the time is signed too, so that a call cannot be replayed later."""
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={mac}"


def post(url: str, payload: Any, *, secret: str, timeout: float) -> None:
    """Post ``payload`` as JSON; the scheme of ``url`` is for the caller's system checks to refuse.

    Raises:
        OSError: it was not taken (``URLError`` and ``HTTPError`` are OSErrors).
    """
    body = json.dumps(payload).encode()
    request = urllib.request.Request(  # noqa: S310  # as said above
        url,
        data=body,
        headers={
            "Content-Type": "application/json",
            "X-Altlas-Signature": signature(body, moment=int(now().timestamp()), secret=secret),
        },
    )
    with urllib.request.urlopen(request, timeout=timeout):  # noqa: S310  # as above
        pass
