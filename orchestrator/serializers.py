"""Wire shapes of the REST interface."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from orchestrator.models import Alias, LoadJob, Model, ModelVersion, Runtime, Task, VersionPolicy
from orchestrator.selectors import variant_rows


class OperatorsSeeMore(serializers.Serializer[Any]):
    """What ``for_operators`` names is null when the context says that the caller is no ``operator``.

    A context that says nothing belongs to a command, or to a view that is for operators only.
    """

    for_operators: ClassVar[tuple[str, ...]] = ()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for name in self.for_operators:
            fields[name].allow_null = True
            fields[name].help_text = f"{fields[name].help_text or ''} Null without `models:operate`.".lstrip()
        return fields

    def to_representation(self, instance: Any) -> dict[str, Any]:
        shown = super().to_representation(instance)
        return shown if self.context.get("operator", True) else {**shown, **dict.fromkeys(self.for_operators)}


class VariantSerializer(serializers.Serializer[Any]):
    runtime = serializers.CharField()
    node = serializers.CharField()
    chosen = serializers.BooleanField(help_text="Whether that node uses it now.")
    accepted = serializers.BooleanField()
    cosine_min = serializers.FloatField(help_text="Lowest cosine to torch's output over the probe set.")
    cosine_mean = serializers.FloatField()
    difference_max = serializers.FloatField()
    torch_ms = serializers.FloatField()
    variant_ms = serializers.FloatField()
    bytes = serializers.IntegerField()
    at = serializers.CharField()


class VariantsSerializer(serializers.Serializer[Any]):
    results = VariantSerializer(many=True)


class VariantOrderSerializer(serializers.Serializer[Any]):
    runtime = serializers.CharField(default="onnx", help_text="`onnx` or `onnx-int8`.")


class RuntimeSerializer(serializers.Serializer[Any]):
    runtime = serializers.ChoiceField(choices=Runtime.choices)


class VariantRequestedSerializer(serializers.Serializer[Any]):
    nodes = serializers.ListField(child=serializers.CharField(), help_text="Where it is being compiled.")


class VersionSerializer(OperatorsSeeMore, serializers.ModelSerializer[ModelVersion]):
    for_operators = ("source", "status_reason")
    load_seconds_mean = serializers.FloatField(read_only=True, allow_null=True)
    variants = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = (
            "version",
            "number",
            "source",
            "options",
            "size_bytes",
            "estimated_bytes",
            "measured_bytes",
            "facts",
            "runtime",
            "variants",
            "status",
            "status_reason",
            "loads",
            "load_seconds_last",
            "load_seconds_mean",
            "load_seconds_max",
            "last_loaded_at",
            "created_at",
        )
        read_only_fields = fields

    @extend_schema_field(VariantSerializer(many=True))
    def get_variants(self, row: ModelVersion) -> list[dict[str, Any]]:
        return variant_rows(row)


class AliasSerializer(serializers.ModelSerializer[Alias]):
    version = serializers.CharField(source="version.version", read_only=True)

    class Meta:
        model = Alias
        fields = ("name", "version", "weight", "updated_at")
        read_only_fields = fields


class ModelSerializer(serializers.ModelSerializer[Model]):
    versions = serializers.SerializerMethodField()
    aliases = AliasSerializer(many=True, read_only=True)

    class Meta:
        model = Model
        fields = (
            "name",
            "task",
            "description",
            "version_policy",
            "policy_count",
            "policy_versions",
            "pinned",
            "max_replicas",
            "versions",
            "aliases",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_versions(self, model: Model) -> list[str]:
        return [row.version for row in sorted(model.versions.all(), key=lambda row: -row.number)]


class ModelsSerializer(serializers.Serializer[Any]):
    results = ModelSerializer(many=True)


class VersionsSerializer(serializers.Serializer[Any]):
    results = VersionSerializer(many=True)


class AliasesSerializer(serializers.Serializer[Any]):
    results = AliasSerializer(many=True)


class RegistrationSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=128)
    task = serializers.ChoiceField(choices=Task.choices)
    source = serializers.CharField(  # type: ignore[assignment]  # the metaclass takes fields out of the class
        max_length=512, help_text="`package://name/folder`, `folder:///path`, `hf://org/model`."
    )
    version = serializers.CharField(max_length=64)
    description = serializers.CharField(allow_blank=True, default="")
    options = serializers.DictField(default=dict)
    variants = serializers.ListField(
        child=serializers.CharField(),
        default=list,
        help_text="Compiled on every live node in the background: `onnx`, `onnx-int8`.",
    )


class ModelChangeSerializer(serializers.Serializer[Any]):
    description = serializers.CharField(allow_blank=True, required=False)
    pinned = serializers.BooleanField(required=False)
    max_replicas = serializers.IntegerField(min_value=1, max_value=64, required=False)
    version_policy = serializers.ChoiceField(choices=VersionPolicy.choices, required=False)
    policy_count = serializers.IntegerField(min_value=1, max_value=1000, required=False)
    policy_versions = serializers.ListField(child=serializers.CharField(max_length=64), required=False)


class AliasChangeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=64)
    version = serializers.CharField(max_length=64)
    weight = serializers.IntegerField(
        min_value=0,
        max_value=100,
        required=False,
        allow_null=True,
        default=None,
        help_text="Percent; without it an alias that there is keeps its own, and a new one has 0.",
    )


class OrderSerializer(serializers.Serializer[Any]):
    version = serializers.CharField(max_length=64, required=False, allow_null=True, default=None)
    node = serializers.CharField(max_length=128, required=False, allow_null=True, default=None)


class LoadOrderSerializer(OrderSerializer):
    wait = serializers.BooleanField(default=True, help_text="False: answer at once, with the load job.")


class InferSerializer(serializers.Serializer[Any]):
    inputs = serializers.ListField(
        child=serializers.JSONField(), allow_empty=False, help_text="Texts; pairs `[text, text]` for a cross-encoder."
    )
    version = serializers.CharField(max_length=64, required=False, allow_null=True, default=None)
    params = serializers.DictField(default=dict, help_text="Of the task: `top_k`, `aggregation`, `max_new_tokens`, …")


class InferredSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    version = serializers.CharField()
    node = serializers.CharField()
    outputs = serializers.ListField(child=serializers.JSONField(), help_text="One per input, in the task's shape.")
    tokens = serializers.ListField(child=serializers.IntegerField())
    timings = serializers.DictField(child=serializers.FloatField())


class LoadedSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    version = serializers.CharField()
    node = serializers.CharField()
    seconds = serializers.FloatField()


class UnloadedSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    version = serializers.CharField(allow_null=True)
    node = serializers.CharField(allow_null=True)
    replicas = serializers.IntegerField(help_text="Processes that were told to go; those in use finish first.")


class NodeSerializer(OperatorsSeeMore):
    for_operators = ("host",)
    name = serializers.CharField()
    alive = serializers.BooleanField()
    draining = serializers.BooleanField()
    budget_bytes = serializers.IntegerField()
    used_bytes = serializers.IntegerField()
    host = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    last_seen_at = serializers.DateTimeField(allow_null=True)


class NodesSerializer(serializers.Serializer[Any]):
    results = NodeSerializer(many=True)


class MovedSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    version = serializers.CharField()
    to = serializers.CharField()


class KeptSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    version = serializers.CharField()
    detail = serializers.CharField()


class DrainedSerializer(serializers.Serializer[Any]):
    node = serializers.CharField()
    moved = MovedSerializer(many=True)
    kept = KeptSerializer(many=True, help_text="What could not be loaded elsewhere; it serves on here.")


class JobSerializer(OperatorsSeeMore, serializers.ModelSerializer[LoadJob]):
    for_operators = ("error_detail", "requested_by")
    model = serializers.CharField(source="version.model.name")
    version = serializers.CharField(source="version.version")

    class Meta:
        model = LoadJob
        fields = [
            "id",
            "model",
            "version",
            "node",
            "status",
            "attempts",
            "error_code",
            "error_detail",
            "requested_by",
            "created_at",
            "started_at",
            "finished_at",
        ]


class JobsSerializer(serializers.Serializer[Any]):
    results = JobSerializer(many=True)


class ReplicaSerializer(OperatorsSeeMore):
    for_operators = ("pid",)
    model = serializers.CharField()
    version = serializers.CharField()
    state = serializers.CharField()
    bytes = serializers.IntegerField()
    uss = serializers.IntegerField()
    pss = serializers.IntegerField()
    leases = serializers.IntegerField()
    pinned = serializers.BooleanField()
    pid = serializers.IntegerField(allow_null=True)
    last_used = serializers.FloatField(allow_null=True, help_text="Unix seconds.")


class CacheNodeSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    budget_bytes = serializers.IntegerField()
    used_bytes = serializers.IntegerField()
    replicas = ReplicaSerializer(many=True)


class CacheSerializer(serializers.Serializer[Any]):
    nodes = CacheNodeSerializer(many=True)
