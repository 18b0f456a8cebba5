"""The server itself: what it is, and whether it lives and serves."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from altlas.kernel import problems
from authgateway.permissions import AUTHENTICATED, Public
from orchestrator.exceptions import NodeUnavailable
from orchestrator.selectors import live_nodes
from orchestrator.views.v2.base import V2View

EXTENSIONS: Final = (
    "binary_tensor_data",
    "generate",
    "model_configuration",
    "model_repository",
    "model_repository(unload_dependents)",
    "parameters",
    "schedule_policy",
    "statistics",
)


class ServerView(V2View):
    required_scopes = AUTHENTICATED

    @extend_schema(operation_id="v2_server", tags=["v2"], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Name, version and extensions."""
        return Response({"name": "altlas", "version": "1.0.0", "extensions": list(EXTENSIONS)})


class _HealthView(V2View):
    permission_classes = (Public,)
    authentication_classes: Any = ()


class LiveView(_HealthView):
    @extend_schema(operation_id="v2_live", tags=["v2"], responses=OpenApiTypes.OBJECT, auth=[])
    def get(self, request: Request) -> Response:
        return Response({"live": True})


class ReadyView(_HealthView):
    @extend_schema(operation_id="v2_ready", tags=["v2"], responses=OpenApiTypes.OBJECT, auth=[])
    def get(self, request: Request) -> Response:
        """Ready: at least one node is alive. 503 when none is."""
        ready = bool(live_nodes(fresh=True))
        body = {"live": True, "ready": ready}
        if ready:
            return Response(body)
        error = NodeUnavailable("No node is alive.")
        return Response({**body, "error": error.detail}, status=error.status, headers=problems.headers(error))
