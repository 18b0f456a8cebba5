"""Every route of the API says what it needs."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from authgateway.permissions import HasScope, Public, required_scope

_NOT_OURS = ("admin/", "static/")


def routes(resolver: URLResolver, prefix: str = ""):
    for item in resolver.url_patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from routes(item, route)
        else:
            yield route, item


def api_views():
    for route, pattern in routes(get_resolver()):
        if route.startswith(_NOT_OURS):
            continue
        view = getattr(pattern.callback, "cls", None)
        if view is not None and issubclass(view, APIView):
            yield pytest.param(view, pattern, id=route or "/")


@pytest.mark.parametrize("view,pattern", list(api_views()))
def test_every_route_declares_scopes_or_is_public_on_purpose(view: type[APIView], pattern: URLPattern) -> None:
    assert view.permission_classes, f"{view.__name__} has no permission_classes: add HasScope or Public"
    if Public in view.permission_classes:
        return
    assert any(issubclass(item, HasScope) for item in view.permission_classes if isinstance(item, type))
    for method in view.http_method_names:
        if method != "options" and hasattr(view, method):
            assert required_scope(view, method.upper()) is not None, (
                f"{view.__name__} declares no required_scopes for {method.upper()}"
            )


def test_a_view_that_declares_nothing_is_closed() -> None:
    class Forgotten(APIView):
        def get(self, request):
            raise AssertionError("reached")

    answer = Forgotten.as_view()(RequestFactory().get("/"))
    assert answer.status_code == 401
