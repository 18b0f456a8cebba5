"""HTTP doors of segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from segmentation import direct, events, nodes, selectors, services, waiting, wire
from segmentation.models import SegmentationItem, SegmentationRun
from segmentation.problems import raised
from segmentation.serializers import AcceptedShape, PageQuery, PageShape, SegmentationRequest, SegmentationShape
from segmentation.statuses import ENDED, Status

_PREFER = OpenApiParameter(
    "Prefer", OpenApiTypes.STR, OpenApiParameter.HEADER, description="`wait=N` seconds, or `respond-async`."
)


class SegmentationsView(APIView):
    required_scopes = "segment"

    @extend_schema(
        operation_id="segmentations_create",
        request=SegmentationRequest,
        parameters=[_PREFER],
        responses={
            201: SegmentationShape,
            202: OpenApiResponse(AcceptedShape, description="Takes longer; `Location` names it."),
        },
    )
    def post(self, request: Request) -> Response:
        """Segment a text or a batch of texts."""
        body = SegmentationRequest(data=request.data)
        body.is_valid(raise_exception=True)
        given: dict[str, Any] = body.validated_data
        nodes.require_model(given["model"])
        batch = "texts" in given
        wait = waiting.Wait(waiting.wanted(request.headers.get("Prefer", "")))
        members: dict[str, Any] = {
            "owner_id": _owner(request),
            **{name: given[name] for name in ("strategy", "language", "model", "options", "archive")},
        }
        if not batch and wait.left() > 0 and direct.fits(given["text"], given["strategy"], given["options"]):
            done = direct.run_direct(text=given["text"], timeout=wait.left(), **members)
            if done is not None:
                return _ended(done[0], [done[1]])
        created = services.run_create(texts=given["texts"] if batch else [given["text"]], batch=batch, **members)
        return _answer(created, wait)

    @extend_schema(operation_id="segmentations_list", parameters=[PageQuery], responses=PageShape)
    def get(self, request: Request) -> Response:
        """List your segmentations, newest first, without their segments."""
        query = PageQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        page = selectors.runs_page(owner_id=_owner(request), **query.validated_data)
        return Response(
            {
                "results": [wire.run_summary(run) for run in page.runs],
                "next": page.next,
                "previous": page.previous,
            }
        )


class SegmentationView(APIView):
    required_scopes = "segment"

    @extend_schema(operation_id="segmentations_read", responses=SegmentationShape)
    def get(self, request: Request, run_id: UUID) -> Response:
        """Read one segmentation with its segments."""
        run = selectors.run_get(run_id=run_id, owner_id=_owner(request))
        return Response(wire.run_body(run, selectors.run_items(run)))


class CancelView(APIView):
    required_scopes = "segment"

    @extend_schema(operation_id="segmentations_cancel", request=None, responses=AcceptedShape)
    def post(self, request: Request, run_id: UUID) -> Response:
        """End a segmentation that has not ended."""
        return Response(wire.accepted_body(services.run_cancel(run_id=run_id, owner_id=_owner(request))))


class RetryView(APIView):
    required_scopes = "segment"

    @extend_schema(
        operation_id="segmentations_retry", request=None, responses={201: SegmentationShape, 202: AcceptedShape}
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        """Do a failed or cancelled segmentation again; texts that have succeeded stay."""
        created = services.run_retry(run_id=run_id, owner_id=_owner(request))
        return _answer(created, waiting.Wait(waiting.wanted(request.headers.get("Prefer", ""))))


class EventStreamRenderer(BaseRenderer):
    """Lets `Accept: text/event-stream` through content negotiation; the stream itself is not rendered."""

    media_type = "text/event-stream"
    format = "events"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return JSONRenderer().render(data)


class EventsView(APIView):
    required_scopes = "segment"
    renderer_classes = [EventStreamRenderer, JSONRenderer]

    @extend_schema(operation_id="segmentations_events", responses={(200, "text/event-stream"): OpenApiTypes.STR})
    def get(self, request: Request, run_id: UUID) -> HttpResponseBase:
        """Follow a segmentation: `progress` events, then one `end`."""
        found = events.stream(run_id=run_id, owner_id=_owner(request))
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingHttpResponse(found, content_type="text/event-stream", headers=headers)


def _owner(request: Request) -> UUID:
    return cast("UUID", request.user.pk)


def _answer(created: services.Created, wait: waiting.Wait) -> Response:
    """Return 201 with the result when it came in time, 202 with the address when not."""
    run = waiting.run_wait(created, timeout=wait.left())
    if run.status not in ENDED:
        return Response(wire.accepted_body(run), status=202, headers=_location(run))
    return _ended(run, selectors.run_items(run))


def _ended(run: SegmentationRun, items: Sequence[SegmentationItem]) -> Response:
    if run.status == Status.FAILED and not run.batch:
        raise raised(run.error or {})
    return Response(wire.run_body(run, items), status=201, headers=_location(run))


def _location(run: SegmentationRun) -> dict[str, str]:
    return {"Location": reverse("segmentation", kwargs={"run_id": run.pk})}
