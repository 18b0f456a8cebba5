"""Wire shapes of segmentation."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from altlas.kernel.errors import FieldError
from segmentation import languages, options
from segmentation.conf import conf
from segmentation.exceptions import InvalidRequest
from segmentation.statuses import CHOICES


@extend_schema_field(OpenApiTypes.STR)
class RawString(serializers.Field[str, str, str, Any]):
    """A JSON string exactly as it came: not trimmed, not converted. What it may hold is the services' decision."""

    default_error_messages = {"invalid": "Give a string."}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(data)

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field({"type": "array", "items": {"type": "string"}, "minItems": 1})
class RawStrings(serializers.Field[list[str], list[str], list[str], Any]):
    default_error_messages = {
        "invalid": "Give an array of strings.",
        "empty": "Give one text or more.",
        "too_many": "At most {maximum} texts are taken in one request.",
    }

    def to_internal_value(self, data: Any) -> list[str]:
        if not isinstance(data, list):
            self.fail("invalid")
        if not data:
            self.fail("empty")
        if len(data) > conf.max_batch:
            self.fail("too_many", maximum=conf.max_batch)
        wrong = [
            FieldError(pointer=f"/texts/{position}", code="invalid", detail="Give a string.")
            for position, text in enumerate(data)
            if not isinstance(text, str)
        ]
        if wrong:
            raise InvalidRequest("The request has texts that are not strings.", errors=wrong)
        return data

    def to_representation(self, value: list[str]) -> list[str]:
        return value


class SegmentationRequest(serializers.Serializer[Any]):
    text = RawString(required=False, help_text="The text; or give `texts`.")
    texts = RawStrings(required=False, help_text="Several texts; each gets its own result or problem.")
    strategy = serializers.ChoiceField(choices=sorted(options.OPTIONS))
    language = RawString(required=False, default="", help_text="ISO 639-1; detected when absent or `auto`.")
    model = RawString(required=False, default="", help_text="A model of the catalogue; the default one when absent.")
    options = serializers.JSONField(required=False, default=dict, help_text="See docs/segmentation.md.")
    archive = serializers.BooleanField(required=False, default=True, help_text="Keep the result in the archive.")

    def validate_archive(self, value: bool) -> bool:
        if not isinstance(self.initial_data.get("archive", True), bool):
            raise serializers.ValidationError("Give true or false.", code="invalid")
        return value

    def validate_language(self, value: str) -> str:
        code = languages.normal(value)
        if code and code not in languages.KNOWN:
            raise serializers.ValidationError(f"{value!r} is not a language we know; use ISO 639-1.", code="unknown")
        return code

    def validate_model(self, value: str) -> str:
        if len(value) > 128 or not value.isprintable():
            raise serializers.ValidationError("This is not the name of a model.", code="invalid")
        return value

    def validate_options(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise serializers.ValidationError("Give an object.", code="invalid")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        faults = [
            FieldError(pointer=f"/{name}", code="unknown_member", detail=f"A request has no member {name!r}.")
            for name in self.initial_data
            if name not in self.fields
        ]
        if ("text" in attrs) == ("texts" in attrs):
            faults.append(FieldError(pointer="/text", code="required", detail="Give either text or texts."))
        attrs["options"], wrong = options.complete(attrs["strategy"], attrs["options"])
        faults.extend(wrong)
        if faults:
            named = ", ".join(fault.pointer for fault in faults)
            raise InvalidRequest(f"The request has invalid members: {named}.", errors=faults)
        return attrs


class SegmentShape(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    start = serializers.IntegerField(help_text="First character, in code points (see option `offsets`).")
    end = serializers.IntegerField(help_text="One after the last character.")
    text = serializers.CharField()
    score = serializers.FloatField(help_text="Confidence in the boundary at `end`, 0 to 1.")
    tokens = serializers.IntegerField(required=False, help_text="Of a chunk: its size.")
    core = serializers.IntegerField(required=False, help_text="Of a chunk: where it stops to repeat the one before.")
    task = serializers.IntegerField(required=False, help_text="Of a command: the task that the piece belongs to.")


class SegmentationShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=CHOICES)
    strategy = serializers.CharField()
    language = serializers.CharField()
    model = serializers.CharField()
    progress = serializers.FloatField()
    segments = SegmentShape(many=True, required=False)
    sections = serializers.ListField(child=serializers.DictField(), required=False, help_text="Of topics, level 2.")
    tasks = serializers.ListField(child=serializers.DictField(), required=False, help_text="Of a command.")
    edges = serializers.ListField(child=serializers.DictField(), required=False, help_text="Of a command.")
    items = serializers.ListField(child=serializers.DictField(), required=False, help_text="Of a batch.")
    record_id = serializers.UUIDField(allow_null=True, required=False)
    warnings = serializers.ListField(child=serializers.DictField(), required=False)
    error = serializers.DictField(required=False)
    timings = serializers.DictField(child=serializers.FloatField())
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class AcceptedShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=CHOICES)
    progress = serializers.FloatField()


class PageShape(serializers.Serializer[Any]):
    results = SegmentationShape(many=True)
    next = serializers.CharField(allow_null=True)
    previous = serializers.CharField(allow_null=True)


class PageQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(required=False, default=50, min_value=1, max_value=200)
    cursor = serializers.CharField(required=False, default="", allow_blank=True)
    status = serializers.ChoiceField(choices=CHOICES, required=False, default="")
    strategy = serializers.ChoiceField(choices=sorted(options.OPTIONS), required=False, default="")


class DocumentQuery(serializers.Serializer[Any]):
    position = serializers.IntegerField(required=False, default=0, min_value=0)
    archive = serializers.BooleanField(required=False, default=True)


class ImportedShape(serializers.Serializer[Any]):
    document = serializers.DictField()
    order = serializers.ListField(child=serializers.CharField(), help_text="Ids of segments, dependencies first.")
    record_id = serializers.UUIDField(allow_null=True)
