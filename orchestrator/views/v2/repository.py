"""Triton's model repository extension: index, load, unload."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from altlas.kernel.errors import InvalidInput
from authgateway.authentication import user_of
from orchestrator import selectors, services
from orchestrator.models import VersionStatus
from orchestrator.selectors.states import READY, UNAVAILABLE, failure_reasons, replica_states
from orchestrator.views.callers import operates
from orchestrator.views.v2.base import V2View, document_of

# Clients give up after 60 seconds without an answer; the load goes on behind a 503.
LONGEST_WAIT: Final = 55.0


class IndexView(V2View):
    @extend_schema(
        operation_id="v2_repository_index",
        tags=["v2"],
        request=OpenApiTypes.OBJECT,
        responses={200: {"type": "array", "items": {"type": "object", "additionalProperties": {}}}},
    )
    def post(self, request: Request) -> Response:
        """Every version of every model with its state; with ``{"ready": true}`` only those that are ready."""
        only_ready = document_of(request).get("ready", False)
        if not isinstance(only_ready, bool):
            raise InvalidInput("`ready` is true or false.")
        rows = _index(causes=operates(request))
        return Response([row for row in rows if row["state"] == READY] if only_ready else rows)


class LoadView(V2View):
    required_scopes = "models:operate"

    @extend_schema(
        operation_id="v2_repository_load", tags=["v2"], request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT
    )
    def post(self, request: Request, name: str) -> Response:
        """Load every version that takes traffic; answers when they are warm, or 503 while they still load."""
        parameters = document_of(request).get("parameters") or {}
        if not isinstance(parameters, dict):
            raise InvalidInput("`parameters` is a JSON object.")
        refused = sorted(key for key in parameters if key == "config" or key.startswith("file:"))
        if refused:
            raise InvalidInput(
                f"{', '.join(refused)}: models are registered from a source, never uploaded; see POST /api/v1/models."
            )
        until = time.monotonic() + LONGEST_WAIT
        for row, _weight in selectors.version_routes(model=name):
            left = max(0.1, until - time.monotonic())
            services.version_load(model=name, version=row.version, seconds=left, actor=str(user_of(request)))
            _seen(partial(_is_ready, (name, row.version)))
        return Response({})


class UnloadView(V2View):
    required_scopes = "models:operate"

    @extend_schema(
        operation_id="v2_repository_unload", tags=["v2"], request=OpenApiTypes.OBJECT, responses=OpenApiTypes.OBJECT
    )
    def post(self, request: Request, name: str) -> Response:
        """Unload every version from every node; requests under way finish first."""
        document_of(request)
        services.model_unload(model=name, seconds=LONGEST_WAIT, actor=str(user_of(request)))
        _seen(lambda states: all(model != name or state != READY for (model, _), state in states.items()))
        return Response({})


def _is_ready(key: tuple[str, str], states: dict[tuple[str, str], str]) -> bool:
    return states.get(key) == READY


def _index(*, causes: bool) -> list[dict[str, Any]]:
    """Return the rows of the index; without ``causes``, which may quote where files lie, no reason but the state's."""
    nodes = selectors.cache_state()
    states, failures = replica_states(nodes), failure_reasons(nodes)
    rows = []
    for model in selectors.model_list():
        for version in model.versions.all():
            if version.status == VersionStatus.RETIRED:
                continue
            key = (model.name, version.version)
            state = states.get(key, UNAVAILABLE)
            cause = (failures.get(key) or version.status_reason) if causes else ""
            reason = cause or "not loaded" if state == UNAVAILABLE else ""
            rows.append({"name": model.name, "version": version.version, "state": state, "reason": reason})
    return rows


def _seen(there: Callable[[dict[tuple[str, str], str]], bool]) -> None:
    """Wait until the nodes' heartbeats say what the order just did: the next question may reach another process."""
    selectors.nodes_tell(lambda nodes: there(replica_states(nodes)))
