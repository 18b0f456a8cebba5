"""Inference over tensors, and Triton's generate extension over plain JSON."""

from __future__ import annotations

import gzip
import re
import zlib
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from altlas.kernel.errors import InvalidInput
from orchestrator import selectors, signatures
from orchestrator.conf import conf
from orchestrator.exceptions import TaskMismatch
from orchestrator.models import Task
from orchestrator.oip import request as requests
from orchestrator.oip.response import check_outputs, render
from orchestrator.views.inference import infer
from orchestrator.views.v2.base import V2View, body_of, document_of

_HEADER = "Inference-Header-Content-Length"
_WORTH_COMPRESSING = 1024
_REFUSED = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")


class InferView(V2View):
    @extend_schema(
        operation_id="v2_infer", tags=["v2"], request=OpenApiTypes.OBJECT, responses={200: OpenApiTypes.OBJECT}
    )
    def post(self, request: Request, name: str, version: str | None = None) -> HttpResponse:
        """Run a model; tensors as JSON or as raw bytes, as the request has them and asks for them."""
        asked = requests.parse(body_of(request), request.META.get("HTTP_INFERENCE_HEADER_CONTENT_LENGTH"))
        task = selectors.task_of(model=name)
        check_outputs(asked, [spec.name for spec in signatures.outputs_of(task, {})])  # before the model runs for it
        result = infer(
            model=name,
            version=version,
            inputs=signatures.to_inputs(task, asked.inputs),
            params=asked.params,
            seconds=min(asked.seconds or conf.infer_seconds, conf.infer_seconds),
            urgent=asked.urgent,
        )
        tensors = signatures.to_tensors(task, vectors=result.outputs, values=result.values)
        body, length = render(asked, tensors, model=result.model, version=result.version)
        return _answer(request, body, length)


class GenerateView(V2View):
    @extend_schema(
        operation_id="v2_generate", tags=["v2"], request=OpenApiTypes.OBJECT, responses={200: OpenApiTypes.OBJECT}
    )
    def post(self, request: Request, name: str, version: str | None = None) -> Response:
        """Continue ``text_input``; other members and ``parameters`` go to the model."""
        document = document_of(request)
        text = document.pop("text_input", None)
        if not isinstance(text, str):
            raise InvalidInput("`text_input` is a text.")
        nested = document.pop("parameters", None) or {}
        if not isinstance(nested, dict):
            raise InvalidInput("`parameters` is a JSON object.")
        params: dict[str, Any] = {**document, **nested}
        task = selectors.task_of(model=name)
        if task != Task.TEXT_GENERATION:  # an echo model passes for any task, but generates nothing
            raise TaskMismatch(f"{name} is a model for {task}, not for {Task.TEXT_GENERATION}.")
        result = infer(model=name, version=version, inputs=[text], task=Task.TEXT_GENERATION, params=params)
        return Response(
            {"model_name": result.model, "model_version": result.version, "text_output": result.values[0]["text"]}
        )


def _answer(request: Request, body: bytes, length: int | None) -> HttpResponse:
    headers = {} if length is None else {_HEADER: str(length)}
    accepted = _accepted(request.META.get("HTTP_ACCEPT_ENCODING", ""))
    if len(body) >= _WORTH_COMPRESSING:
        # Only success is compressed: clients read errors as they come.
        if "gzip" in accepted:
            body, headers["Content-Encoding"] = gzip.compress(body, compresslevel=1), "gzip"
        elif "deflate" in accepted:
            body, headers["Content-Encoding"] = zlib.compress(body, 1), "deflate"
    kind = "application/json" if length is None else "application/octet-stream"
    return HttpResponse(body, content_type=kind, headers={**headers, "Vary": "Accept-Encoding"})


def _accepted(header: str) -> set[str]:
    """Return the codings of an Accept-Encoding (RFC 9110, 12.5.3) but those with ``q=0``, which are refused."""
    codings = (part.partition(";") for part in header.lower().split(","))
    return {coding.strip() for coding, _, weight in codings if not _REFUSED.fullmatch(weight)}
