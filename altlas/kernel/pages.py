"""Middleware that only pages need: a request to the API goes past it.

Sessions, messages and the search for a language mean nothing to a client with a token, and each of them costs a little
of every request.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware import locale
from django.utils import translation
from django.utils.deprecation import MiddlewareMixin

from altlas.kernel import problems


class _PagesOnly(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> HttpResponseBase | Any:
        return self.get_response(request) if problems.is_api(request.path) else super().__call__(request)


class SessionMiddleware(_PagesOnly, sessions.SessionMiddleware):
    """Django's."""


class AuthenticationMiddleware(_PagesOnly, auth.AuthenticationMiddleware):
    """Django's."""


class MessageMiddleware(_PagesOnly, messages.MessageMiddleware):
    """Django's."""


class LocaleMiddleware(locale.LocaleMiddleware):
    """Django's; a client of the API that names no language gets the default one without a search for it."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Any:
        if "HTTP_ACCEPT_LANGUAGE" in request.META or not problems.is_api(request.path):
            return super().__call__(request)
        translation.activate(settings.LANGUAGE_CODE)  # the thread may have answered somebody else before
        return self.get_response(request)
