"""`/api/v1/nodes` and `/api/v1/cache`: what is where."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authgateway.authentication import user_of
from orchestrator import selectors, serializers, services
from orchestrator.schema import problems
from orchestrator.views.callers import operates

_LISTED = 200
_OTHERS = {"operator": False}


class NodesView(APIView):
    required_scopes = "models:infer"

    @extend_schema(operation_id="nodes_list", tags=["models"], responses=serializers.NodesSerializer)
    def get(self, request: Request) -> Response:
        """All nodes ever seen, with whether they are alive."""
        alive = {node["name"]: node for node in selectors.cache_state()}
        rows = [
            {
                "name": row.name,
                "alive": row.name in alive,
                "draining": row.draining,
                "budget_bytes": row.budget_bytes,
                "used_bytes": alive.get(row.name, {}).get("used_bytes", 0),
                "host": row.host,
                "started_at": row.started_at,
                "last_seen_at": row.last_seen_at,
            }
            for row in selectors.node_list()
        ]
        shown = serializers.NodeSerializer(rows, many=True, context={"operator": operates(request)})
        return Response({"results": shown.data})


class CacheView(APIView):
    required_scopes = "models:infer"

    @extend_schema(operation_id="cache_get", tags=["models"], responses=serializers.CacheSerializer)
    def get(self, request: Request) -> Response:
        """What every live node holds, at most a heartbeat old; to operators all that the nodes report."""
        state = {"nodes": selectors.cache_state()}
        return Response(state if operates(request) else serializers.CacheSerializer(state, context=_OTHERS).data)


class DrainView(APIView):
    required_scopes = "models:operate"

    @extend_schema(
        operation_id="nodes_drain",
        tags=["models"],
        request=None,
        responses={200: serializers.DrainedSerializer, **problems(403, 404, 409, 503)},
    )
    def post(self, request: Request, name: str) -> Response:
        """Let a node take nothing new, load its models on other nodes, then unload them here."""
        return Response(services.node_drain(name=name, actor=str(user_of(request))))


class ResumeView(APIView):
    required_scopes = "models:operate"

    @extend_schema(
        operation_id="nodes_resume", tags=["models"], request=None, responses={204: None, **problems(403, 404, 503)}
    )
    def post(self, request: Request, name: str) -> Response:
        """Put a drained node back into service."""
        services.node_resume(name=name, actor=str(user_of(request)))
        return Response(status=204)


class JobsView(APIView):
    required_scopes = "models:infer"

    @extend_schema(operation_id="load_jobs_list", tags=["models"], responses=serializers.JobsSerializer)
    def get(self, request: Request) -> Response:
        """The latest 200 load jobs, newest first."""
        rows = selectors.job_list()[:_LISTED]
        shown = serializers.JobSerializer(rows, many=True, context={"operator": operates(request)})
        return Response({"results": shown.data})


class JobView(APIView):
    required_scopes = "models:infer"

    @extend_schema(
        operation_id="load_jobs_get", tags=["models"], responses={200: serializers.JobSerializer, **problems(404)}
    )
    def get(self, request: Request, job: UUID) -> Response:
        """One load job, as it stands now."""
        shown = serializers.JobSerializer(selectors.job_get(job=job), context={"operator": operates(request)})
        return Response(shown.data)


class JobCancelView(APIView):
    required_scopes = "models:operate"

    @extend_schema(
        operation_id="load_jobs_cancel",
        tags=["models"],
        request=None,
        responses={200: serializers.JobSerializer, **problems(403, 404, 503)},
    )
    def post(self, request: Request, job: UUID) -> Response:
        """End an open load job and its load; one that has ended stays as it is."""
        return Response(serializers.JobSerializer(services.job_cancel(job=job, actor=str(user_of(request)))).data)


class RecycleView(APIView):
    required_scopes = "models:operate"

    @extend_schema(
        operation_id="models_recycle",
        tags=["models"],
        request=serializers.OrderSerializer,
        responses={200: serializers.UnloadedSerializer, **problems(403, 404, 503)},
    )
    def post(self, request: Request, name: str) -> Response:
        """Replace the processes of a model, each by a warm successor first; no request fails."""
        body = serializers.OrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(services.model_recycle(model=name, **body.validated_data, actor=str(user_of(request))))


class CancelView(APIView):
    required_scopes = "models:operate"

    @extend_schema(
        operation_id="models_cancel",
        tags=["models"],
        request=serializers.OrderSerializer,
        responses={200: serializers.UnloadedSerializer, **problems(403, 404, 503)},
    )
    def post(self, request: Request, name: str) -> Response:
        """End the loads of a model that are queued or under way."""
        body = serializers.OrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(services.model_cancel(model=name, **body.validated_data, actor=str(user_of(request))))
