"""A refused request must not cost the next one on its connection.

A server has to take a body off the wire before it can read the next request, and a refusal (no token, wrong method,
too large) comes before anybody has read it. Left alone the connection is closed under the client, which finds out only
when its next request fails. So a short rest is read and thrown away, and with a long one the client is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, UnreadablePostError
from django.http.response import HttpResponseBase

SHORT: Final = 256 * 1024
_PIECE: Final = 64 * 1024


class UnreadBodyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not (_all_read(request) or _read_rest(request)):
            response["Connection"] = "close"
        return response


def _all_read(request: HttpRequest) -> bool:
    # Django's own mark; what has been begun is read to its end by whoever began.
    return bool(getattr(request, "_read_started", False)) or hasattr(request, "_body")


def _read_rest(request: HttpRequest) -> bool:
    """Read what is left of the body when that is short; return whether it is gone."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > SHORT:
        return False
    try:
        while request.read(_PIECE):
            pass
    except (OSError, UnreadablePostError):
        return False  # the client has gone
    return True
