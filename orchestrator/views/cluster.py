"""`/api/v1/nodes` and `/api/v1/cache`: what is where."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from orchestrator import selectors, serializers


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
        return Response({"results": serializers.NodeSerializer(rows, many=True).data})


class CacheView(APIView):
    required_scopes = "models:infer"

    @extend_schema(operation_id="cache_get", tags=["models"], responses=serializers.CacheSerializer)
    def get(self, request: Request) -> Response:
        """What every live node holds, at most a heartbeat old."""
        return Response({"nodes": selectors.cache_state()})
