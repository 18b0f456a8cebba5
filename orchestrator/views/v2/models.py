"""Models: metadata, configuration, readiness, statistics."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orchestrator import selectors, signatures, statistics
from orchestrator.exceptions import ModelUnavailable
from orchestrator.models import ModelVersion
from orchestrator.selectors.states import READY, replica_states
from orchestrator.views.callers import operates
from orchestrator.views.v2.base import V2View

_TYPES = {"BYTES": "TYPE_STRING", "FP32": "TYPE_FP32"}


class ModelMetadataView(V2View):
    @extend_schema(operation_id="v2_model", tags=["v2"], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, name: str, version: str | None = None) -> Response:
        """Versions that are served, and the tensors that go in and come out."""
        row = selectors.version_choose(model=name, version=version)
        served = [found.version for found in selectors.versions_served(model=name)]
        return Response(
            {
                "name": name,
                "versions": served,
                "platform": _platform(row),
                "inputs": [spec.as_dict() for spec in signatures.inputs_of(row.model.task)],
                "outputs": [spec.as_dict() for spec in signatures.outputs_of(row.model.task, row.facts)],
            }
        )


class ModelConfigView(V2View):
    @extend_schema(operation_id="v2_model_config", tags=["v2"], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, name: str, version: str | None = None) -> Response:
        """Triton's model configuration, as far as it has a meaning here."""
        row = selectors.version_choose(model=name, version=version)
        shown = {"task": row.model.task, **({"source": row.source} if operates(request) else {})}
        return Response(
            {
                "name": name,
                "platform": _platform(row),
                "backend": row.runtime,
                "max_batch_size": 0,  # the first dimension is the batch already, and batching is the server's affair
                "version_policy": _policy(row),
                "input": [_config(spec) for spec in signatures.inputs_of(row.model.task)],
                "output": [_config(spec) for spec in signatures.outputs_of(row.model.task, row.facts)],
                "parameters": {key: {"string_value": value} for key, value in shown.items()},
            }
        )


class ModelReadyView(V2View):
    @extend_schema(operation_id="v2_model_ready", tags=["v2"], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, name: str, version: str | None = None) -> Response:
        """Ready: a node holds the model warm. One that is not is loaded by the first request for it."""
        rows = [row for row, _ in selectors.version_routes(model=name, version=version)]
        states = replica_states(selectors.cache_state())
        if not any(states.get((name, row.version)) == READY for row in rows):
            raise ModelUnavailable(f"{name} is not loaded on any node.", retry_after=1)
        return Response({"name": name, "ready": True})


class ModelStatsView(V2View):
    @extend_schema(operation_id="v2_model_stats", tags=["v2"], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, name: str, version: str | None = None) -> Response:
        """Counts since the broker's Redis was started."""
        if version is not None:
            rows = [selectors.version_choose(model=name, version=version)]
        else:
            rows = list(selectors.versions_of(name=name))
        return Response({"model_stats": [statistics.of(name, row.version) for row in rows]})


class AllStatsView(V2View):
    @extend_schema(operation_id="v2_stats", tags=["v2"], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Counts of every version that a node holds."""
        held = sorted(replica_states(selectors.cache_state()))
        return Response({"model_stats": [statistics.of(model, version) for model, version in held]})


def _platform(row: ModelVersion) -> str:
    return f"altlas/{row.model.task}"


def _config(spec: signatures.TensorSpec) -> dict[str, Any]:
    return {"name": spec.name, "data_type": _TYPES[spec.datatype], "dims": list(spec.shape)}


def _policy(row: ModelVersion) -> dict[str, Any]:
    model = row.model
    if model.version_policy == "latest":
        return {"latest": {"num_versions": model.policy_count}}
    return {"all": {}} if model.version_policy == "all" else {"specific": {"versions": model.policy_versions}}
