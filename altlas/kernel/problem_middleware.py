"""Errors outside of DRF views: the same translation, the same shape."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.core.paginator import InvalidPage
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from altlas.kernel import problems
from altlas.kernel.errors import AltlasError

# Django answers its own (``Http404``, ``PermissionDenied``) on pages, and logs what is suspicious.
_OF_PAGES = (AltlasError, DatabaseError, InvalidPage)


class ProblemMiddleware:
    """Turns known exceptions of plain Django views under the API into problem+json.

    Of the pages' exceptions it takes those that are the visitor's mistake: an address or a parameter that the database
    cannot be asked for. Unknown ones go on to Django, which logs the traceback and calls ``handler500``.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        error = problems.translate(exception)
        if error is None:
            return None
        if not problems.is_api(request.path):
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR or not isinstance(exception, _OF_PAGES):
                return None
            if "\0" in request.path:  # no row is called that
                return problems.problem_404(request, exception)
        return problems.response(error, request=request)
