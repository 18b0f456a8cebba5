"""One id per request, carried from the client's header through tasks into logs and rows."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from altlas.kernel import env, log_context
from altlas.kernel.clock import monotonic
from altlas.kernel.ids import uuid7

logger = logging.getLogger(__name__)
HEADER = "X-Request-ID"
_META = "HTTP_X_REQUEST_ID"
_LOG_REQUESTS = env.flag("ALTLAS_LOG_REQUESTS", False, help="Log one line per answered request.")

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
        with bound(request.META.get(_META, "")) as request_id, log_context.scope():
            begun = monotonic()
            response = self.get_response(request)
            response[HEADER] = request_id
            if _LOG_REQUESTS:
                _log(request, response, monotonic() - begun)
            return response


def _log(request: HttpRequest, response: HttpResponseBase, seconds: float) -> None:
    # The query may hold what a person typed; the path does not.
    facts = {"method": request.method, "path": request.path, "status": response.status_code}
    line = "%s %s %d in %.3f s"
    logger.info(line, *facts.values(), seconds, extra={**facts, "seconds": round(seconds, 4)})


class RequestIdFilter(logging.Filter):
    """Gives every log record the attribute ``request_id``."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id() or "-"
        return True
