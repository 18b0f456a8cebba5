"""Redirects of dialogs: unfold posts them by htmx, whose request would follow a redirect unseen and eat the message."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase


class DialogRedirectMiddleware:
    """Answers a redirect to htmx with the header by which the whole page goes there."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseRedirect) or request.headers.get("HX-Request") != "true":
            return response
        answer = HttpResponse(headers={"HX-Redirect": response.url})
        answer.cookies = response.cookies
        return answer
