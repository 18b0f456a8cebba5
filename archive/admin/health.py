"""One page of what ``manage.py archive doctor`` says, and how the cache does."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from archive import pool
from archive.cache import census
from archive.doctor import examine


def page(request: HttpRequest) -> TemplateResponse:
    if not request.user.has_perm("archive.view_slowquery"):
        raise PermissionDenied
    report = examine()
    context = {
        **admin.site.each_context(request),
        "title": _("Health of the archive"),
        "report": report,
        "cache": census.figures(),
        "pool": pool.state(),
        "explained": pool.explained(),
    }
    return TemplateResponse(request, "admin/archive/health.html", context)
