"""What every view under `/v2` shares: bodies of any type and encoding, and errors as ``{"error": "…"}``."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from altlas.kernel import problems
from altlas.kernel.errors import AltlasError, InvalidInput, NotFound, TooLarge
from altlas.kernel.negotiation import OneWay
from authgateway.permissions import AUTHENTICATED


class _NoMediaTypes(OneWay):
    """Clients of the protocol send no Accept and no Content-Type; none is needed."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return None


class V2View(APIView):
    """Success is exactly 200; every error has a JSON body with the key ``error``."""

    required_scopes: Any = "models:infer"
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = _NoMediaTypes

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        return _handler


class Unsupported(AltlasError):
    status, code, title = 501, "not_supported", "Not supported"


class NothingHereView(V2View):
    """Every other address below `/v2`: answers 404 in the protocol's shape."""

    required_scopes = AUTHENTICATED
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("Nothing is here under this address.")


class UnsupportedView(NothingHereView):
    """Extensions that this server does not have: shared memory, tracing, log settings, answers in pieces."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        V2View.initial(self, request, *args, **kwargs)
        raise Unsupported("This extension is not supported by this server.")


def body_of(request: Request) -> bytes:
    """Return the request's body, decompressed.

    Raises:
        InvalidInput: the encoding is unknown, or the body is not in it.
        TooLarge: it is, or would become, larger than ``ALTLAS_MAX_BODY``.
    """
    raw: bytes = request._request.body
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding in ("", "identity"):
        return raw
    windows = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
    if encoding not in windows:
        raise InvalidInput(f"The content encoding {encoding!r} is unknown; gzip and deflate are known.")
    return _inflated(raw, windows[encoding], most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _inflated(raw: bytes, window: int, *, most: int) -> bytes:
    machine = zlib.decompressobj(window)
    try:
        found = machine.decompress(raw, most + 1)
    except zlib.error as exc:
        raise InvalidInput(f"The compressed body cannot be read: {exc}.") from None
    if len(found) > most:
        raise TooLarge(f"The decompressed body is larger than {most} bytes.")
    if not machine.eof:
        raise InvalidInput("The compressed body is cut short.")
    if machine.unused_data:
        raise InvalidInput(
            f"{len(machine.unused_data)} bytes follow the compressed body; it is one piece, not several."
        )
    return found


def document_of(request: Request) -> dict[str, Any]:
    """Return the body as a JSON object; an empty body is an empty object.

    Raises: InvalidInput.
    """
    body = body_of(request)
    if not body.strip():
        return {}
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise InvalidInput(f"The body's JSON cannot be read: {exc}"[:300]) from None
    if not isinstance(found, dict):
        raise InvalidInput("The body is a JSON object.")
    return found


def _handler(exc: Exception, context: dict[str, Any]) -> Response:
    # The client reads `error` of any answer that is not 200.
    answer, error = problems.answered(exc, context)
    answer.data = {"error": error.detail}
    answer.content_type = "application/json"
    return answer
