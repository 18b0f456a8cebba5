"""The id of a request: taken when harmless, made otherwise, carried into tasks and logs."""

from __future__ import annotations

import logging

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from altlas.kernel.request_id import RequestIdFilter, RequestIdMiddleware, bound, current_request_id


def answer(given: str) -> HttpResponse:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(current_request_id())

    response = RequestIdMiddleware(view)(RequestFactory().get("/", headers={"X-Request-ID": given}))
    assert isinstance(response, HttpResponse)
    return response


def test_a_given_id_is_kept_and_sent_back() -> None:
    response = answer("order-42_b.7")
    assert response["X-Request-ID"] == "order-42_b.7" == response.content.decode()


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", "ş", "{}"])
def test_what_could_harm_logs_or_headers_is_replaced(given: str) -> None:
    made = answer(given)["X-Request-ID"]
    assert made != given
    assert len(made) == 36


def test_the_id_ends_with_its_request_and_shows_in_log_records() -> None:
    record = logging.makeLogRecord({})
    with bound("outer"):
        with bound("inner"):
            assert current_request_id() == "inner"
        assert RequestIdFilter().filter(record)
        assert record.request_id == "outer"
    assert current_request_id() == ""
