"""The workbench: one text through segmentation, as a person sees it."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from altlas.kernel.errors import AltlasError, FieldError, InvalidInput, TooLarge
from altlas.kernel.problems import translate
from orchestrator.selectors import model_list
from segmentation import nodes, selectors, services, waiting, wire
from segmentation.conf import conf
from segmentation.models import SegmentationRun
from segmentation.serializers import SegmentationRequest
from segmentation.statuses import ENDED, Status
from segmentation.strategies.registry import STRATEGIES

_PERMISSION = "segmentation.view_segmentationrun"
_WAIT = 20.0


def _allow(request: HttpRequest) -> None:
    if not request.user.has_perm(_PERMISSION):
        raise PermissionDenied


@never_cache
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the empty workbench, or with ``?run=`` the one run."""
    _allow(request)
    context = {
        **admin.site.each_context(request),
        "title": _("Workbench"),
        "strategies": sorted(STRATEGIES),
        "models": _models(),
        "languages": [("tr", "Türkçe"), ("en", "English")],
        "max_characters": conf.max_characters,
        "labels": _labels(),
    }
    return TemplateResponse(request, "admin/console/workbench.html", context)


@require_POST
def run(request: HttpRequest) -> JsonResponse:
    """Segment the text of the form; answers the run, ended or still on its way."""
    _allow(request)
    try:
        return JsonResponse(_body(_created(request)))
    except Exception as exc:
        return _problem(exc)


@never_cache
@require_GET
def result(request: HttpRequest, run_id: UUID) -> JsonResponse:
    """Answer a run of one's own as it is now."""
    _allow(request)
    try:
        return JsonResponse(_body(selectors.run_get(run_id=run_id, owner_id=request.user.pk)))
    except Exception as exc:
        return _problem(exc)


def _models() -> list[tuple[str, list[str]]]:
    """Return (task, names) of the models that a strategy can use: taggers find sentences, embeddings topics."""
    found: dict[str, list[str]] = {"sentence-embedding": [], "token-classification": []}
    for name, task in model_list().filter(task__in=found).values_list("name", "task")[:400]:
        found[task].append(name)
    return [(task, names) for task, names in found.items() if names]


def _created(request: HttpRequest) -> SegmentationRun:
    body: dict[str, Any] = {
        "text": _text(request),
        "strategy": request.POST.get("strategy", ""),
        "archive": request.POST.get("archive") == "1",
    }
    for name in ("language", "model"):
        if value := request.POST.get(name, ""):
            body[name] = value
    form = SegmentationRequest(data=body)
    form.is_valid(raise_exception=True)
    given = form.validated_data
    nodes.require_model(given["model"])
    created = services.run_create(
        owner_id=cast("UUID", request.user.pk),
        texts=[given["text"]],
        **{name: given[name] for name in ("strategy", "language", "model", "options", "archive")},
    )
    return waiting.run_wait(created, timeout=min(_WAIT, conf.wait_maximum))


def _text(request: HttpRequest) -> str:
    """Return the uploaded file's text, else the pasted one."""
    upload = request.FILES.get("file")
    if upload is None:
        # A form sends line ends as CR LF; offsets shall count what the person sees.
        return request.POST.get("text", "").replace("\r\n", "\n")
    if (upload.size or 0) > 4 * conf.max_characters:
        raise TooLarge(_("The file is larger than the longest text."))
    try:
        return bytes(upload.read()).decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        detail = _("The file is not UTF-8 text (byte %(place)d); save it as UTF-8.") % {"place": exc.start}
        raise InvalidInput(detail, errors=[FieldError(pointer="/file", code="encoding", detail=detail)]) from None


def _body(found: SegmentationRun) -> dict[str, Any]:
    if found.status not in ENDED:
        return {
            "id": str(found.pk),
            "status": found.status,
            "progress": round(found.progress, 4),
            "again": reverse("console-workbench-result", args=[found.pk]),
        }
    items = selectors.run_items(found)
    body = wire.run_body(found, items) | {"node": found.node, "text": items[0].text}
    if body.get("record_id"):
        body["record_link"] = reverse("admin:archive_record_change", args=[body["record_id"]])
    body["run_link"] = reverse("admin:segmentation_segmentationrun_change", args=[found.pk])
    if found.status == Status.CANCELLED:
        body["error"] = {"detail": _("The run was cancelled.")}
    return body


def _problem(exc: Exception) -> JsonResponse:
    known = translate(exc)
    if known is None:
        raise exc
    return JsonResponse({"error": _shown(known)}, status=known.status)


def _shown(error: AltlasError) -> dict[str, Any]:
    return {
        "title": error.title,
        "detail": error.detail,
        "code": error.code,
        "errors": [item.detail for item in error.errors if item.detail != error.detail],
    }


def _labels() -> dict[str, str]:
    """Return the words that the page's script shows."""
    return {
        "working": _("Working…"),
        "queued": _("Waiting for a node…"),
        "segments": _("segments"),
        "characters": _("characters"),
        "language": _("language"),
        "model": _("model"),
        "node": _("node"),
        "total": _("total time"),
        "score": _("score"),
        "record": _("archive record"),
        "run": _("the run"),
        "plot": _("Boundary scores along the text"),
        "place": _("place in the text"),
        "none": _("no model was needed"),
        "failed": _("The request failed; look at the connection and try again."),
        "warning": _("Note"),
        "not_kept": _("not kept in the archive"),
    }
