"""Errors outside of DRF views: the same translation, the same shape."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.core.exceptions import ValidationError
from django.core.paginator import InvalidPage
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from altlas.kernel import problems
from altlas.kernel.errors import AltlasError, InvalidInput

# Django answers its own (``Http404``, ``PermissionDenied``) on pages, and logs what is suspicious.
_OF_PAGES = (AltlasError, DatabaseError, InvalidPage, OverflowError, ValidationError, ValueError)
_UNFIT = "A selected row is named by what is no key of this table; go back to the list and select anew."


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
        if not problems.is_api(request.path):
            return _of_a_page(request, exception)
        error = problems.translate(exception)
        return None if error is None else problems.response(error, request=request)


def _of_a_page(request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
    if not isinstance(exception, _OF_PAGES):
        return None
    if "\0" in request.path:  # no row is called that
        return problems.problem_404(request, exception)
    if isinstance(exception, OverflowError) and request.GET:  # a list's year, say
        return problems.response(InvalidInput("A number in the address is larger than can be."), request=request)
    if isinstance(exception, ValueError | ValidationError):
        return problems.response(InvalidInput(_UNFIT), request=request) if _selects_what_is_no_key(request) else None
    error = problems.translate(exception)
    if error is None or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    return problems.response(error, request=request)


def _selects_what_is_no_key(request: HttpRequest) -> bool:
    """Whether a selected row of an admin's list is named by what cannot name one; any other such error is a defect."""
    kind = getattr(getattr(request.resolver_match, "func", None), "model_admin", None)
    if kind is None:
        return False
    try:
        for key in request.POST.getlist("_selected_action"):
            kind.opts.pk.to_python(key)
    except ValidationError:
        return True
    return False
