"""The bare address: where a person and where a program goes on."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse


def root(request: HttpRequest) -> HttpResponse:
    if "text/html" in request.headers.get("Accept", ""):
        return HttpResponseRedirect("/admin/")
    return JsonResponse({"name": "ALT_LAS", "api": "/api/v1/", "schema": "/api/schema/", "docs": "/api/docs/"})
