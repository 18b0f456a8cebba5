"""The two ways out: a signed webhook and mail."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.request
from collections.abc import Sequence
from typing import Any

from django.core.mail import send_mail

from altlas.kernel.clock import now


def signature(body: bytes, *, moment: int, secret: str) -> str:
    """Return the value of ``X-Altlas-Signature``; the time is signed too, so that a call cannot be replayed later."""
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={mac}"


def post_signed(url: str, payload: dict[str, Any], *, secret: str, timeout: float) -> None:
    """Post ``payload`` as JSON, signed.

    Raises:
        OSError: no connection, no answer in time, or an answer of 400 and more (``URLError`` is one).
    """
    body = json.dumps(payload).encode()
    request = urllib.request.Request(  # noqa: S310  # system checks allow https and loopback alone
        url,
        data=body,
        headers={
            "Content-Type": "application/json",
            "X-Altlas-Signature": signature(body, moment=int(now().timestamp()), secret=secret),
        },
    )
    with urllib.request.urlopen(request, timeout=timeout):  # noqa: S310  # as above
        pass


def mail(subject: str, lines: Sequence[str], *, to: Sequence[str]) -> None:
    """Send one mail.

    Raises:
        OSError: the mail server cannot be reached or refuses (``SMTPException`` is one).
    """
    send_mail(subject=subject, message="\n".join(lines), from_email=None, recipient_list=list(to))
