"""What the OpenAPI document says about problems of these routes."""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse

_TEXTS = {
    400: "The request is invalid.",
    401: "No valid token.",
    403: "The token lacks the scope.",
    404: "No such model, version, alias or node.",
    409: "It exists with other content.",
    413: "The input is too large.",
    422: "The model cannot serve this, now or later.",
    503: "Not now; retry after `Retry-After`.",
    504: "No answer within the deadline.",
}


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """Return responses for ``extend_schema``: problem+json for each of ``statuses``."""
    return {
        (status, "application/problem+json"): OpenApiResponse(OpenApiTypes.OBJECT, description=_TEXTS[status])
        for status in statuses
    }
