"""Errors outside of DRF views: the same translation, the same shape."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from altlas.kernel import problems


class ProblemMiddleware:
    """Turns known exceptions of plain Django views under the API into problem+json.

    Unknown ones go on to Django, which logs the traceback and calls ``handler500``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if not problems.is_api(request.path):
            return None
        error = problems.translate(exception)
        return None if error is None else problems.response(error, request=request)
