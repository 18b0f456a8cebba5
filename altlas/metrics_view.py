"""``/metrics``: Prometheus' text format, of all processes of this machine."""

from __future__ import annotations

import hmac

from django.http import HttpRequest, HttpResponse
from django_prometheus.exports import ExportToDjangoView

from altlas.kernel import env, problems
from altlas.kernel.errors import NotAuthenticated

_TOKEN = env.secret(
    "ALTLAS_METRICS_TOKEN",
    help="When set, /metrics asks for it as a bearer token; set it where others can reach the port.",
)


def metrics(request: HttpRequest) -> HttpResponse:
    if _TOKEN and not hmac.compare_digest(
        request.headers.get("Authorization", "").encode(), f"Bearer {_TOKEN}".encode()
    ):
        return problems.response(NotAuthenticated("The metrics token is missing or wrong."), request=request)
    answer: HttpResponse = ExportToDjangoView(request)
    return answer
