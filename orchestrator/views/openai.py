"""`/v1/models` and `/v1/embeddings` in OpenAI's shapes: an unmodified ``openai`` client works."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from altlas.kernel import problems
from altlas.kernel.errors import FieldError, InvalidInput, NotFound
from altlas.kernel.negotiation import OneWay
from altlas.kernel.validation import validated
from authgateway.permissions import AUTHENTICATED
from orchestrator import selectors, services
from orchestrator.models import Task
from orchestrator.views.callers import operates
from orchestrator.views.inference import infer

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class OpenAIView(APIView):
    """Errors as ``{"error": {"message", "type", "param", "code"}}``."""

    required_scopes = "models:infer"
    content_negotiation_class = OneWay

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        return _handler


def _handler(exc: Exception, context: dict[str, Any]) -> Response:
    answer, error = problems.answered(exc, context)
    param = error.errors[0].pointer.lstrip("/") if error.errors else None
    kind = _TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    answer.data = {"error": {"message": error.detail, "type": kind, "param": param, "code": error.code}}
    answer.content_type = "application/json"
    return answer


class NothingHereView(OpenAIView):
    """Every other address below `/v1`: the client shows the message of an error in its own shape only."""

    required_scopes = AUTHENTICATED
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Without asking who it is: what is not there is not there for anybody.
        raise NotFound("Nothing is here under this address; GET /v1/models and POST /v1/embeddings are what there is.")


class EmbeddingsSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(help_text="A model's name; `name:version` and `name:alias` choose a version.")
    input = serializers.JSONField(help_text="A text, a list of texts, a list of token ids, or a list of those.")
    # Null is as if not given: clients send it for what their caller left empty.
    encoding_format = serializers.ChoiceField(choices=["float", "base64"], default="float", allow_null=True)
    dimensions = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    user = serializers.CharField(required=False, allow_null=True, allow_blank=True)

    def validate_input(self, value: Any) -> list[Any]:
        inputs = [value] if isinstance(value, str) or _is_ids(value) else value
        if (
            not isinstance(inputs, list)
            or not inputs
            or not all(isinstance(one, str) or _is_ids(one) for one in inputs)
        ):
            raise serializers.ValidationError("A text, a list of token ids, or a non-empty list of either.")
        return list(inputs)


class OpenAIModelSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    owned_by = serializers.CharField()


class OpenAIModelsSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = OpenAIModelSerializer(many=True)  # type: ignore[assignment]  # the metaclass takes fields out of the class


class EmbeddingSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    index = serializers.IntegerField()
    embedding = serializers.JSONField(help_text="A list of numbers, or base64 of little-endian float32.")


class EmbeddingListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    model = serializers.CharField()
    data = EmbeddingSerializer(many=True)  # type: ignore[assignment]  # the metaclass takes fields out of the class
    usage = serializers.DictField(child=serializers.IntegerField())


class OpenAIModelsView(OpenAIView):
    @extend_schema(operation_id="openai_models", tags=["openai"], responses=OpenAIModelsSerializer)
    def get(self, request: Request) -> Response:
        operator = operates(request)
        return Response({"object": "list", "data": [_entry(row, operator=operator) for row in selectors.model_list()]})


class OpenAIModelView(OpenAIView):
    @extend_schema(operation_id="openai_model", tags=["openai"], responses=OpenAIModelSerializer)
    def get(self, request: Request, name: str) -> Response:
        model, version = split(name)
        if version is None:
            row = selectors.model_get(name=model)
        else:
            row = selectors.version_choose(model=model, version=version).model
        return Response({**_entry(row, operator=operates(request)), "id": name})


class EmbeddingsView(OpenAIView):
    @extend_schema(
        operation_id="openai_embeddings",
        tags=["openai"],
        request=EmbeddingsSerializer,
        responses=EmbeddingListSerializer,
    )
    def post(self, request: Request) -> Response:
        """Embed one text or a list of texts."""
        wanted = validated(EmbeddingsSerializer, request.data)
        name, version = split(wanted["model"])
        result = infer(model=name, version=version, inputs=wanted["input"], task=Task.SENTENCE_EMBEDDING)
        vectors = _shortened(result.outputs, wanted.get("dimensions"))
        as_text = wanted["encoding_format"] == "base64"
        tokens = sum(result.token_counts)
        return Response(
            {
                "object": "list",
                "data": [
                    {
                        "object": "embedding",
                        "index": index,
                        "embedding": base64.b64encode(vector.tobytes()).decode() if as_text else vector.tolist(),
                    }
                    for index, vector in enumerate(vectors)
                ],
                "model": wanted["model"],
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            }
        )


def _is_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(part) is int for part in value)


def split(name: str) -> tuple[str, str | None]:
    """Split ``name:version``; without a colon the catalogue chooses the version."""
    head, _, tail = name.partition(":")
    return head, tail or None


def _shortened(vectors: services.FloatArray, dimensions: int | None) -> services.FloatArray:
    if dimensions is None:
        return vectors
    if dimensions > vectors.shape[1]:
        detail = f"This model has {vectors.shape[1]} dimensions; `dimensions` cannot be more."
        raise InvalidInput(detail, errors=[FieldError(pointer="/dimensions", code="max_value", detail=detail)])
    cut = vectors[:, :dimensions]
    norms = np.linalg.norm(cut, axis=1, keepdims=True)
    return np.ascontiguousarray(cut / np.where(norms == 0, 1, norms), dtype="<f4")


def _entry(model: Any, *, operator: bool) -> dict[str, Any]:
    return {
        "id": model.name,
        "object": "model",
        "created": int(model.created_at.timestamp()),
        "owned_by": str((operator and model.owner) or "altlas"),
    }
