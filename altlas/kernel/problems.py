"""RFC 9457 problem+json: every error that leaves the API has this one shape.

Lower-level errors are mapped here and nowhere else: DRF's and Django's own, PostgreSQL's by SQLSTATE (Django wraps
them; the cause holds the state), Redis' and the connection pool's.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import psycopg
import psycopg_pool
import redis
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.paginator import InvalidPage
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions as drf
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

from altlas.kernel import errors
from altlas.kernel.request_id import current_request_id

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
_API_PREFIXES = ("/api/", "/v1/", "/v2", "/.well-known/", "/livez", "/readyz", "/metrics")


def is_api(path: str) -> bool:
    """Whether errors at ``path`` are answered as problem+json rather than as a page."""
    return path.startswith(_API_PREFIXES)


def body(error: errors.AltlasError, *, instance: str) -> dict[str, Any]:
    """Return the problem object for ``error``."""
    problem: dict[str, Any] = {
        "type": f"urn:altlas:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": instance,
        "code": error.code,
        "request_id": current_request_id(),
    }
    if error.errors:
        problem["errors"] = [item.as_dict() for item in error.errors]
    return problem


def headers(error: errors.AltlasError) -> dict[str, str]:
    found: dict[str, str] = {}
    if error.status == HTTPStatus.UNAUTHORIZED:
        challenge = getattr(error, "challenge", "")
        found["WWW-Authenticate"] = f"Bearer {challenge}".strip()
    if error.retry_after is not None:
        found["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    return found


def response(error: errors.AltlasError, *, request: HttpRequest) -> HttpResponse:
    """Render ``error`` outside of DRF."""
    content = json.dumps(body(error, instance=request.path), ensure_ascii=False)
    return HttpResponse(content, status=error.status, content_type=CONTENT_TYPE, headers=headers(error))


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler: the one place where exceptions become answers."""
    error = translate(exc)
    if error is None:
        return None
    set_rollback()
    request = context["request"]
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("%s: %s", error.code, error.detail, extra={"path": request.path, "cause": repr(exc)})
    # A problem is JSON, whatever form of answer was asked for.
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), "application/json"
    answer = Response(body(error, instance=request.path), status=error.status, headers=headers(error))
    answer.content_type = CONTENT_TYPE
    return answer


def answered(exc: Exception, context: Mapping[str, Any]) -> tuple[Response, errors.AltlasError]:
    """As ``exception_handler``, for protocols with a shape of their own: also a defect has an answer, and is logged."""
    answer, error = exception_handler(exc, context), translate(exc)
    if answer is None or error is None:
        logger.error("a request met a defect", exc_info=exc)
        return Response(status=500), errors.AltlasError("Something went wrong on our side; see the server's log.")
    return answer, error


def translate(exc: BaseException) -> errors.AltlasError | None:
    """Return the error of our tree for ``exc``; None when it is unknown (a defect, answered with 500)."""
    if isinstance(exc, errors.AltlasError):
        return exc
    if isinstance(exc, Http404):
        return errors.NotFound("Nothing is here under this address.")
    if isinstance(exc, InvalidPage):
        return errors.NotFound("There is no page of that number.")
    if isinstance(exc, DjangoPermissionDenied):
        return errors.PermissionDenied()
    if isinstance(exc, RequestDataTooBig):
        return errors.TooLarge("The request body is larger than this server accepts.")
    if isinstance(exc, SuspiciousOperation):
        return errors.InvalidInput("The request is malformed.")
    if isinstance(exc, drf.APIException):
        return _from_drf(exc)
    if isinstance(exc, psycopg_pool.PoolTimeout | psycopg_pool.TooManyRequests):
        return errors.Unavailable("All database connections are in use; try again shortly.")
    if isinstance(exc, DatabaseError | InterfaceError | psycopg.Error):
        return _from_database(exc)
    if isinstance(exc, redis.RedisError):
        return errors.Unavailable("The cache and broker cannot be reached; try again shortly.")
    return None


class _MethodNotAllowed(errors.AltlasError):
    status, code, title = 405, "method_not_allowed", "Method not allowed"


class _NotAcceptable(errors.AltlasError):
    status, code, title = 406, "not_acceptable", "Not acceptable"


class _UnsupportedMediaType(errors.AltlasError):
    status, code, title = 415, "unsupported_media_type", "Unsupported media type"


_DRF: dict[type[drf.APIException], type[errors.AltlasError]] = {
    drf.ParseError: errors.InvalidInput,
    drf.AuthenticationFailed: errors.NotAuthenticated,
    drf.NotAuthenticated: errors.NotAuthenticated,
    drf.PermissionDenied: errors.PermissionDenied,
    drf.NotFound: errors.NotFound,
    drf.MethodNotAllowed: _MethodNotAllowed,
    drf.NotAcceptable: _NotAcceptable,
    drf.UnsupportedMediaType: _UnsupportedMediaType,
    drf.Throttled: errors.TooManyRequests,
}


def _from_drf(exc: drf.APIException) -> errors.AltlasError:
    if isinstance(exc, drf.ValidationError):
        found = tuple(_field_errors(exc.detail, exc.get_codes(), ""))
        named = ", ".join(dict.fromkeys(item.pointer or "/" for item in found))
        return errors.InvalidInput(f"The request has invalid members: {named}.", errors=found)
    kind = next((ours for theirs, ours in _DRF.items() if isinstance(exc, theirs)), None)
    detail = _detail(exc.detail)
    if kind is None:
        generic = type("_Generic", (errors.AltlasError,), {"status": exc.status_code, "code": exc.default_code})
        error: errors.AltlasError = generic(detail)
        return error
    return kind(detail, retry_after=getattr(exc, "wait", None))


def _detail(detail: Any) -> str:
    if isinstance(detail, Mapping):
        return str(detail.get("detail", "")) or "; ".join(f"{key}: {_detail(value)}" for key, value in detail.items())
    if isinstance(detail, str):
        return str(detail)
    return "; ".join(_detail(item) for item in detail)


def _field_errors(detail: Any, codes: Any, pointer: str) -> Iterator[errors.FieldError]:
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            step = "" if key == "non_field_errors" else "/" + str(key).replace("~", "~0").replace("/", "~1")
            yield from _field_errors(value, codes[key], pointer + step)
    elif isinstance(detail, Sequence) and not isinstance(detail, str):
        for index, (value, code) in enumerate(zip(detail, codes, strict=True)):
            # A list of messages belongs to one member; a list of mappings mirrors a list in the body.
            nested = isinstance(value, Mapping)
            yield from _field_errors(value, code, f"{pointer}/{index}" if nested else pointer)
    else:
        yield errors.FieldError(pointer=pointer, code=str(codes), detail=str(detail))


# SQLSTATE -> what the caller is told (PostgreSQL manual, appendix A).
_QUERY_CANCELED = "57014"
_LOCK_NOT_AVAILABLE = "55P03"
_SERIALIZATION = ("40001", "40P01")
# Too long, out of range (numbers, dates), not in the encoding, not of the type. The rest of class 22 is our mistake.
_UNFIT = ("22001", "22003", "22008", "22021", "22P02", "22P05")


def _from_database(exc: BaseException) -> errors.AltlasError | None:
    cause = exc if isinstance(exc, psycopg.Error) else exc.__cause__
    if isinstance(cause, psycopg_pool.PoolTimeout | psycopg_pool.TooManyRequests | psycopg_pool.PoolClosed):
        return errors.Unavailable("All database connections are in use; try again shortly.")
    state = getattr(cause, "sqlstate", None) or ""
    if state == _QUERY_CANCELED:
        return errors.DeadlineExceeded("The query took longer than this route allows; narrow it down.")
    if state == _LOCK_NOT_AVAILABLE or state in _SERIALIZATION:
        return errors.Unavailable("The row is being changed by another request; try again.", retry_after=1)
    if state.startswith(("08", "53", "57P")):
        return errors.Unavailable("The database cannot be reached or is restarting; try again shortly.")
    # Without a state it is the driver's own word: U+0000 is no character for PostgreSQL.
    if state in _UNFIT or (not state and isinstance(cause, psycopg.DataError)):
        logger.warning("the database refused a value: %s", cause)
        return errors.InvalidInput("A value is too long or out of range, or has the character U+0000.")
    if not state and isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return errors.Unavailable("The database cannot be reached or is restarting; try again shortly.")
    return None


def problem_404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return response(errors.NotFound("Nothing is here under this address."), request=request)


def problem_400(request: HttpRequest, exception: Exception) -> HttpResponse:
    return response(translate(exception) or errors.InvalidInput("The request is malformed."), request=request)


def problem_403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return response(errors.PermissionDenied(), request=request)


def problem_500(request: HttpRequest) -> HttpResponse:
    return response(
        errors.AltlasError("Something went wrong on our side. Quote the request id when you report it."),
        request=request,
    )
