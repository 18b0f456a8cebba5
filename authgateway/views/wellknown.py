"""The published keys."""

from __future__ import annotations

import hashlib
import json

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authgateway import serializers
from authgateway.conf import conf
from authgateway.permissions import Public
from authgateway.schema import problems
from authgateway.selectors import jwks


class JwksView(APIView):
    authentication_classes = []
    permission_classes = [Public]

    @extend_schema(
        operation_id="jwks",
        tags=["auth"],
        auth=[],
        responses={
            200: serializers.JwksSerializer,
            304: OpenApiResponse(description="What you have is current."),
            **problems(503),
        },
    )
    def get(self, request: Request) -> Response:
        """Return the public keys that verify access tokens (RFC 7517)."""
        keys = jwks()
        etag = '"' + hashlib.sha256(json.dumps(keys, sort_keys=True).encode()).hexdigest()[:32] + '"'
        headers = {"ETag": etag, "Cache-Control": f"public, max-age={conf.jwks_max_age}"}
        if etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]:
            return Response(status=304, headers=headers)
        return Response(keys, headers=headers)
