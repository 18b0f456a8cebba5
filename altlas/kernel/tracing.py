"""OpenTelemetry traces from web through task or lane to the runner's answer; off unless ALTLAS_OTLP_ENDPOINT is set.

The packages are in requirements-otel.txt. Without the setting none of them is imported and a span costs one comparison.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from altlas.kernel import env, request_id

ENDPOINT = env.text(
    "ALTLAS_OTLP_ENDPOINT",
    help="OpenTelemetry collector that traces are sent to by OTLP over HTTP, such as `http://127.0.0.1:4318`; needs "
    "requirements-otel.txt. Unset, nothing is traced.",
)
_SAMPLE = env.decimal(
    "ALTLAS_OTLP_SAMPLE", 1.0, minimum=0.0, maximum=1.0, help="Share of requests that are traced, when they are."
)


@register()
def check_packages(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    if ENDPOINT and find_spec("opentelemetry") is None:
        return [
            Error(
                "ALTLAS_OTLP_ENDPOINT is set, but OpenTelemetry is not installed.",
                hint="pip install -r requirements-otel.txt, or unset it.",
                id="kernel.E003",
            )
        ]
    return []


@cache
def _tracer(pid: int) -> Any:
    """Return this process's tracer: an exporter's thread does not live on in a forked child."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    provider = TracerProvider(
        resource=Resource.create({"service.name": "altlas", "process.pid": pid}),
        sampler=ParentBasedTraceIdRatio(_SAMPLE),
    )
    exporter = OTLPSpanExporter(endpoint=ENDPOINT.rstrip("/") + "/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    return provider.get_tracer("altlas")


@contextmanager
def span(name: str, *, carrier: Mapping[str, str] | None = None, **attributes: object) -> Iterator[None]:
    """Trace the block as ``name``. ``carrier`` is what ``carried`` gave in another process: its span is the parent."""
    if not ENDPOINT:
        yield
        return
    from opentelemetry.propagate import extract

    context = extract(dict(carrier)) if carrier else None
    given = {key: value for key, value in attributes.items() if value is not None}
    given["altlas.request_id"] = request_id.current_request_id()
    with _tracer(os.getpid()).start_as_current_span(name, context=context, attributes=given):
        yield


def carried() -> dict[str, str]:
    """Return what names the current span in another process (W3C trace context); empty when nothing is traced."""
    if not ENDPOINT:
        return {}
    from opentelemetry.propagate import inject

    carrier: dict[str, str] = {}
    inject(carrier)
    return carrier


def tell(**attributes: object) -> None:
    """Add attributes to the current span."""
    if ENDPOINT:
        from opentelemetry import trace

        for key, value in attributes.items():
            trace.get_current_span().set_attribute(key, value)  # type: ignore[arg-type]  # plain values alone come here


class TracingMiddleware:
    """One span per request, under the caller's when it sent a ``traceparent``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not ENDPOINT or request.path in ("/livez", "/readyz", "/metrics"):
            return self.get_response(request)
        carrier = {name: value for name in ("traceparent", "tracestate") if (value := request.headers.get(name))}
        # The address is no name: it holds ids. The route is known when the view has been found.
        with span(f"{request.method}", carrier=carrier, **{"http.request.method": request.method}):
            response = self.get_response(request)
            self._name(request, response)
            return response

    def _name(self, request: HttpRequest, response: HttpResponseBase) -> None:
        from opentelemetry import trace

        route = getattr(request.resolver_match, "route", "") or ""
        trace.get_current_span().update_name(f"{request.method} /{route}".strip())
        tell(**{"http.route": f"/{route}", "http.response.status_code": response.status_code})
