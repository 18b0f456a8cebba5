"""What the OpenAPI document says about authentication and problems."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiResponse

from authgateway.serializers import SCOPES_TEXT, ProblemSerializer

_TEXTS = {
    400: "The request is invalid.",
    401: "No valid token or credentials.",
    403: "The token does not allow this.",
    404: "No such thing, or not yours.",
    409: "Another request is doing this right now; retry after `Retry-After`.",
    413: "The request body is too large.",
    415: "The body has an unsupported media type.",
    429: "Too many attempts; retry after `Retry-After`.",
    503: "Something this needs is away; retry after `Retry-After`.",
}


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """Return responses for ``extend_schema``: problem+json for each of ``statuses``."""
    return {
        (status, "application/problem+json"): OpenApiResponse(ProblemSerializer, description=_TEXTS[status])
        for status in statuses
    }


def promise_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook: whatever else an operation answers is a problem (RFC 9457); the document says so."""
    for path, operations in result["paths"].items():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].setdefault("default", _unnamed(path))
    return result


def _unnamed(path: str) -> dict[str, Any]:
    """What is answered beside the named responses: a problem; in the shape of the protocol where one is spoken."""
    problem: dict[str, Any] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if path.startswith(("/v1/", "/v2")):
        error = {"type": "object", "required": ["error"], "properties": {"error": {}}}
        problem["application/json"] = {"schema": error}
    return {"description": "An error: its code says which.", "content": problem}


class AccessTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # the base registers itself
    target_class = "authgateway.authentication.AccessTokenAuthentication"
    name = "bearer"
    match_subclasses = True

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": f"An access token of `POST /api/v1/auth/token`. Scopes:\n\n{SCOPES_TEXT}",
        }
