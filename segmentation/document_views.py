"""HTTP doors of ALT documents."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from altlas.kernel.errors import FieldError
from altlas.kernel.parsers import JSONParser
from segmentation import document_services, documents
from segmentation.exceptions import InvalidDocument
from segmentation.serializers import DocumentQuery, ImportedShape

_POSITION = OpenApiParameter("position", OpenApiTypes.INT, description="Which text of a batch, from 0.")
_ARCHIVE = OpenApiParameter("archive", OpenApiTypes.BOOL, description="Keep it in the archive; true by default.")


class YamlRenderer(BaseRenderer):
    media_type = "application/yaml"
    format = "yaml"
    charset = "utf-8"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return documents.dump(data, form="yaml").encode()


class YamlParser(BaseParser):
    media_type = "application/yaml"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            text = stream.read().decode("utf-8")
        except UnicodeDecodeError as exc:
            error = FieldError(pointer="", code="not_utf8", detail=f"Byte {exc.start} is not UTF-8.")
            raise InvalidDocument(error.detail, errors=[error]) from exc
        return documents.load(text)


class DocumentView(APIView):
    required_scopes = "segment"
    renderer_classes = [JSONRenderer, YamlRenderer]

    @extend_schema(
        operation_id="segmentations_document",
        parameters=[_POSITION],
        responses={(200, "application/json"): OpenApiTypes.OBJECT, (200, "application/yaml"): OpenApiTypes.STR},
    )
    def get(self, request: Request, run_id: UUID) -> Response:
        """Read the tasks of a command as an ALT document, JSON or YAML."""
        query = DocumentQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = document_services.run_document(
            run_id=run_id, owner_id=_owner(request), position=query.validated_data["position"]
        )
        return Response(found)


class DocumentsView(APIView):
    required_scopes = "segment"
    parser_classes = [JSONParser, YamlParser]

    @extend_schema(
        operation_id="segmentations_document_import",
        request={"application/json": OpenApiTypes.OBJECT, "application/yaml": OpenApiTypes.STR},
        parameters=[_ARCHIVE],
        responses={201: ImportedShape},
    )
    def post(self, request: Request) -> Response:
        """Check an ALT document, give an order in which its segments can be done, and keep it in the archive."""
        query = DocumentQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        found = document_services.document_import(
            owner_id=_owner(request), value=request.data, keep=query.validated_data["archive"]
        )
        body = {"document": found.document, "order": found.order}
        return Response({**body, "record_id": str(found.record_id) if found.record_id else None}, status=201)


def _owner(request: Request) -> UUID:
    return cast("UUID", request.user.pk)
