"""The catalogue: which models there are, in which versions, under which names."""

from __future__ import annotations

import re
from typing import Final

from django.conf import settings
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models

from altlas.kernel.ids import uuid7

# `/` is allowed inside, so that names of model hubs (`org/model`) can be kept.
name_validator = RegexValidator(r"\A[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)?\Z", flags=re.IGNORECASE)


class Task(models.TextChoices):
    """What a model does; each has a loader in ``orchestrator.runner.loaders``."""

    SENTENCE_EMBEDDING = "sentence-embedding"
    TOKEN_CLASSIFICATION = "token-classification"  # noqa: S105  # a task, no secret
    SEQUENCE_CLASSIFICATION = "sequence-classification"
    CROSS_ENCODER = "cross-encoder"
    FILL_MASK = "fill-mask"
    TEXT_GENERATION = "text-generation"
    ECHO = "echo"


class Runtime(models.TextChoices):
    """What computes a version. ``auto`` is the faster of torch and the accepted fp32 variant, by node."""

    TORCH = "torch"
    ONNX = "onnx"
    ONNX_INT8 = "onnx-int8"
    AUTO = "auto"


class VersionPolicy(models.TextChoices):
    """Which versions of a model may be served."""

    LATEST = "latest"
    ALL = "all"
    SPECIFIC = "specific"


class VersionStatus(models.TextChoices):
    """``available`` means: has loaded and passed its warm-up on some node."""

    REGISTERED = "registered"
    AVAILABLE = "available"
    FAILED = "failed"
    RETIRED = "retired"


TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    VersionStatus.REGISTERED: frozenset({VersionStatus.AVAILABLE, VersionStatus.FAILED, VersionStatus.RETIRED}),
    VersionStatus.AVAILABLE: frozenset({VersionStatus.FAILED, VersionStatus.RETIRED}),
    VersionStatus.FAILED: frozenset({VersionStatus.REGISTERED, VersionStatus.AVAILABLE, VersionStatus.RETIRED}),
    VersionStatus.RETIRED: frozenset({VersionStatus.REGISTERED}),
}


class Model(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=128, unique=True, validators=[name_validator])
    task = models.CharField(max_length=32, choices=Task)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    description = models.TextField(blank=True, default="")
    version_policy = models.CharField(max_length=16, choices=VersionPolicy, default=VersionPolicy.LATEST)
    policy_count = models.PositiveSmallIntegerField(default=1, help_text="How many of the latest versions are served.")
    policy_versions = models.JSONField(default=list, blank=True, help_text="The versions served, for `specific`.")
    pinned = models.BooleanField(default=False, help_text="Never evicted; unloaded only by an operator.")
    max_replicas = models.PositiveSmallIntegerField(default=1, help_text="Processes of one version on one node.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(name="model_task_known", condition=models.Q(task__in=Task.values)),
            models.CheckConstraint(
                name="model_policy_known", condition=models.Q(version_policy__in=VersionPolicy.values)
            ),
            models.CheckConstraint(name="model_policy_count_positive", condition=models.Q(policy_count__gte=1)),
            models.CheckConstraint(name="model_max_replicas_positive", condition=models.Q(max_replicas__gte=1)),
        ]

    def __str__(self) -> str:
        return self.name


class ModelVersion(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="versions")
    version = models.CharField(max_length=64, validators=[RegexValidator(r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z")])
    number = models.PositiveIntegerField(editable=False, help_text="Order of registration within the model.")
    source = models.CharField(
        max_length=512, help_text="`package://name/folder`, `folder:///path`, `hf://org/model@revision`."
    )
    options = models.JSONField(default=dict, blank=True, help_text="Options of the loader.")
    size_bytes = models.PositiveBigIntegerField(default=0)
    manifest = models.JSONField(default=dict, blank=True, help_text="File -> {sha256, bytes}; checked at every load.")
    estimated_bytes = models.PositiveBigIntegerField(default=0, help_text="Memory expected before the first load.")
    measured_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="Memory measured after a load.")
    facts = models.JSONField(default=dict, blank=True, help_text="What a load has told: dimension, labels, …")
    runtime = models.CharField(
        max_length=16, choices=Runtime, default=Runtime.TORCH, help_text="What computes: torch or a compiled variant."
    )
    variants = models.JSONField(
        default=dict, blank=True, help_text="Runtime -> node -> manifest, agreement with torch, times."
    )
    status = models.CharField(max_length=16, choices=VersionStatus, default=VersionStatus.REGISTERED)
    status_reason = models.TextField(blank=True, default="")
    loads = models.PositiveIntegerField(default=0)
    load_seconds_total = models.FloatField(default=0.0)
    load_seconds_last = models.FloatField(null=True, blank=True)
    load_seconds_max = models.FloatField(null=True, blank=True)
    last_loaded_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["model__name", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "version"], name="version_unique_in_model"),
            models.UniqueConstraint(fields=["model", "number"], name="version_number_unique_in_model"),
            models.CheckConstraint(name="version_status_known", condition=models.Q(status__in=VersionStatus.values)),
            models.CheckConstraint(name="version_runtime_known", condition=models.Q(runtime__in=Runtime.values)),
        ]

    def __str__(self) -> str:
        return f"{self.model.name}:{self.version}"

    @property
    def load_seconds_mean(self) -> float | None:
        return self.load_seconds_total / self.loads if self.loads else None


class Alias(models.Model):
    """A moving name of one version; the weights of a model's aliases split the traffic that names no version."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=64, validators=[RegexValidator(r"\A[a-z][a-z0-9-]*\Z")])
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="aliases")
    weight = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(100)])
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["model__name", "name"]
        constraints = [
            models.UniqueConstraint(fields=["model", "name"], name="alias_unique_in_model"),
            models.CheckConstraint(name="alias_weight_is_percent", condition=models.Q(weight__lte=100)),
        ]

    def __str__(self) -> str:
        return f"{self.model.name}:{self.name}"
