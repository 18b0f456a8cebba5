"""Every error becomes the same shape, whatever raised it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import psycopg_pool
import pytest
import redis
from django.apps import apps
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.paginator import EmptyPage
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions as drf

from altlas.kernel import errors, problems
from altlas.kernel.request_id import bound


def tree(kind: type[errors.AltlasError] = errors.AltlasError) -> Iterator[type[errors.AltlasError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from tree(child)


def wrapped(cause: Exception) -> OperationalError:
    """What Django raises for an error of the driver."""
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("raised", "status"),
    [
        (Http404(), 404),
        (EmptyPage(), 404),
        (PermissionDenied(), 403),
        (RequestDataTooBig(), 413),
        (SuspiciousOperation(), 400),
        (drf.ParseError(), 400),
        (drf.NotAuthenticated(), 401),
        (drf.MethodNotAllowed("PUT"), 405),
        (drf.NotAcceptable(), 406),
        (drf.UnsupportedMediaType("x"), 415),
        (drf.Throttled(3), 429),
        (psycopg_pool.PoolTimeout(), 503),
        (psycopg_pool.TooManyRequests(), 503),
        (wrapped(psycopg.errors.QueryCanceled()), 504),
        (wrapped(psycopg.errors.LockNotAvailable()), 503),
        (wrapped(psycopg.errors.DeadlockDetected()), 503),
        (wrapped(psycopg.errors.SerializationFailure()), 503),
        (wrapped(psycopg.errors.AdminShutdown()), 503),
        (wrapped(psycopg.errors.TooManyConnections()), 503),
        (wrapped(psycopg.OperationalError("connection refused")), 503),
        (wrapped(psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")), 400),
        (wrapped(psycopg.errors.StringDataRightTruncation()), 400),
        (wrapped(psycopg.errors.DivisionByZero()), None),
        (InterfaceError("connection already closed"), None),
        (redis.ConnectionError(), 503),
        (redis.TimeoutError(), 503),
        (ValueError("a defect"), None),
    ],
)
def test_errors_of_the_layers_below_get_their_status(raised: Exception, status: int | None) -> None:
    error = problems.translate(raised)
    assert (error and error.status) == status


def test_a_problem_that_quotes_a_lone_surrogate_is_utf_8() -> None:
    wrong = errors.FieldError(pointer="/\ud800", code="invalid", detail="no \udfff, ğ")
    found = problems.response(errors.InvalidInput("no \ud800", errors=[wrong]), request=RequestFactory().get("/x"))
    document = json.loads(found.content.decode())
    assert document["detail"] == r"no \ud800"
    assert document["errors"] == [{"pointer": r"/\ud800", "code": "invalid", "detail": r"no \udfff, ğ"}]


def test_each_code_belongs_to_one_status() -> None:
    assert apps.ready  # every app's tree is imported
    seen: dict[str, int] = {}
    for kind in tree():
        if ".views." in kind.__module__:
            continue  # forward-auth: proxies know 401 and 403 alone, so its outage is a 403 under the same code
        assert seen.setdefault(kind.code, kind.status) == kind.status, kind
        assert kind.title
    assert len(seen) > 20


@pytest.mark.parametrize("kind", [kind for kind in tree() if kind.status in (429, 503)])
def test_overload_always_says_when_to_come_back(kind: type[errors.AltlasError]) -> None:
    try:
        error = kind()
    except TypeError:
        pytest.skip("takes members of its own")
    assert int(problems.headers(error)["Retry-After"]) >= 1


def test_a_problem_has_all_members_and_an_unauthenticated_one_a_challenge() -> None:
    with bound("asked-for-7"):
        answer = problems.response(errors.NotAuthenticated("Log in."), request=RequestFactory().get("/api/v1/x"))
    assert answer["Content-Type"] == problems.CONTENT_TYPE
    assert answer["WWW-Authenticate"].startswith("Bearer")
    body = problems.json.loads(answer.content)
    assert body == {
        "type": "urn:altlas:problem:not_authenticated",
        "title": "Authentication required",
        "status": 401,
        "detail": "Log in.",
        "instance": "/api/v1/x",
        "code": "not_authenticated",
        "request_id": "asked-for-7",
    }
