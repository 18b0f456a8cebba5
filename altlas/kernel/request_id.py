"""One id per request, carried from the client's header through tasks into logs and rows."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from altlas.kernel.ids import uuid7

HEADER = "X-Request-ID"

# A given id is written to logs, headers and rows: only harmless characters are taken over.
_ACCEPTED = re.compile(r"[A-Za-z0-9._\-]{1,128}")
_current: ContextVar[str] = ContextVar("altlas_request_id", default="")


def current_request_id() -> str:
    """Return the id of the request or task being served, or an empty string outside of both."""
    return _current.get()


@contextmanager
def bound(request_id: str) -> Iterator[str]:
    """Make ``request_id`` (or a new one when empty or malformed) the current id inside the block."""
    token = _current.set(request_id if _ACCEPTED.fullmatch(request_id) else str(uuid7()))
    try:
        yield _current.get()
    finally:
        _current.reset(token)


class RequestIdMiddleware:
    """Outermost middleware: takes or makes the id, binds it, and answers with it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with bound(request.headers.get(HEADER, "")) as request_id:
            response = self.get_response(request)
            response[HEADER] = request_id
            return response


class RequestIdFilter(logging.Filter):
    """Gives every log record the attribute ``request_id``."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id() or "-"
        return True
