"""The live page: what is loaded where, refreshed without reload, with the verbs beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from altlas.kernel import codepoints
from altlas.kernel.errors import AltlasError, InvalidInput
from orchestrator import selectors, services
from orchestrator.admin.read_only import may_operate
from orchestrator.admin.words import words

_VERBS: dict[str, Callable[..., Any]] = {
    "load": lambda **order: services.model_load(**order),
    "unload": lambda **order: services.model_unload(**order),
    "recycle": lambda **order: services.model_recycle(**order),
    "cancel": lambda **order: services.model_cancel(**order),
    "drain": lambda *, node, actor, **_order: services.node_drain(name=node or "", actor=actor),
    "resume": lambda *, node, actor, **_order: services.node_resume(name=node or "", actor=actor),
    "pin": lambda *, model, actor, **_order: services.model_pin(name=model, pinned=True, actor=actor),
    "unpin": lambda *, model, actor, **_order: services.model_pin(name=model, pinned=False, actor=actor),
}


def _allowed(request: HttpRequest) -> None:
    if not (may_operate(request) or request.user.has_perm("orchestrator.view_node")):
        raise PermissionDenied


@never_cache
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    _allowed(request)
    context = {
        **admin.site.each_context(request),
        "title": _("Models in memory"),
        "nodes": selectors.cache_state(),
        "models": list(selectors.model_list().values_list("name", flat=True)[:500]),
        "may_operate": may_operate(request),
        "words": words(),
    }
    return TemplateResponse(request, "admin/orchestrator/cache.html", context)


@never_cache
@require_GET
def data(request: HttpRequest) -> JsonResponse:
    """Answer the live state; the page asks every second."""
    _allowed(request)
    return JsonResponse({"nodes": selectors.cache_state()})


@never_cache
@require_GET
def history(request: HttpRequest) -> JsonResponse:
    """Answer the last hour of every live node, for the charts, and when that hour ends."""
    _allowed(request)
    nodes = selectors.cache_state()
    found = {node["name"]: selectors.node_history(name=node["name"]) for node in nodes}
    return JsonResponse({"now": time.time(), "nodes": found})


@require_POST
def order(request: HttpRequest) -> JsonResponse:
    """Carry out one verb on one model; answers with what happened in words."""
    if not may_operate(request):
        raise PermissionDenied
    try:
        verb = _VERBS.get(request.POST.get("verb", ""))
        if verb is None:
            raise InvalidInput("Unknown verb.")
        wanted = {name: request.POST.get(name) for name in ("model", "version", "node")}
        for pointer, fault in codepoints.faults(wanted):  # what no name can hold, no database can be asked for
            raise InvalidInput(f"{pointer.lstrip('/')} {fault}.")
        found = verb(
            model=wanted["model"] or "",
            version=wanted["version"] or None,
            node=wanted["node"] or None,
            actor=str(request.user),
        )
    except AltlasError as exc:
        return JsonResponse({"detail": exc.detail}, status=exc.status)
    kept = found["kept"] if isinstance(found, dict) and "kept" in found else []
    if kept:
        stays = _("%(model)s:%(version)s stays: %(detail)s")
        return JsonResponse({"detail": " ".join(stays % entry for entry in kept)}, status=409)
    return JsonResponse({"detail": str(_("Done."))})
