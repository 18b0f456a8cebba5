"""Compiled variants: exported from a version's own verified weights, measured against torch, chosen per node.

A variant belongs to the node that made it: the file lies in its data folder and the times are that machine's. What is
known of it stands in the version's row under ``variants[runtime][node]``.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from altlas.engines import conf as engines
from altlas.kernel import clock
from altlas.kernel.errors import AltlasError, InvalidInput
from altlas.kernel.tasks import enqueue
from orchestrator import manifest as manifests
from orchestrator import sources
from orchestrator.conf import conf
from orchestrator.exceptions import ModelUnloadable, NodeUnavailable
from orchestrator.models import EventKind, ModelVersion, Runtime
from orchestrator.runtimes import UNCOMPILED
from orchestrator.selectors.catalogue import version_find
from orchestrator.selectors.cluster import live_nodes
from orchestrator.services import catalogue
from orchestrator.services.events import event_record
from orchestrator.services.operate import model_recycle
from orchestrator.services.specs import spec_forget

logger = logging.getLogger(__name__)

COMPILED: Final = (Runtime.ONNX.value, Runtime.ONNX_INT8.value)
# Full precision must give what torch gives; int8 is taken by explicit choice, with its loss on record.
COSINE_AT_LEAST: Final = 0.9999
EXPORT_SECONDS: Final = 900.0


def model_register(*, variants: Sequence[str] = (), **registration: Any) -> ModelVersion:
    """As ``catalogue.model_register``; every live node also compiles ``variants`` of the new version for itself, in the
    background. With a full-precision one among them the version's runtime is `auto`.

    Raises: also InvalidInput: a variant is unknown; ModelUnloadable: models for the task are not compiled;
        NodeUnavailable: there is no node that could compile.
    """
    for runtime in variants:
        _known(runtime)
        _compilable(str(registration.get("task")))
    if variants and not live_nodes(fresh=True):
        raise NodeUnavailable("No node is alive that could compile the variants; try again shortly.")
    row = catalogue.model_register(**registration)
    if Runtime.ONNX in variants and row.runtime == Runtime.TORCH:
        row.runtime = Runtime.AUTO
        row.save(update_fields=["runtime", "updated_at"])
    actor = registration.get("actor") or str(row.model.owner or "")
    for runtime in variants:
        variant_request(model=row.model.name, version=row.version, runtime=runtime, actor=actor)
    return row


def variant_export(*, model: str, version: str | None = None, runtime: str, actor: str = "") -> dict[str, Any]:
    """Compile a version on this node, compare it with torch and keep it when it agrees; return what was found.

    Takes tens of seconds of one core, in a process of its own.

    Raises:
        ModelNotFound: no such version.
        InvalidInput: the runtime is not a compiled one.
        ModelUnloadable: models for the task are not compiled, the files are not what was registered, the model cannot
            be compiled, or the outputs differ.
    """
    _known(runtime)
    row = version_find(model=model, version=version)
    _compilable(row.model.task)
    node = settings.NODE_NAME
    target = folder_of(row, runtime)
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    # A folder of its own: the same order may be carried out by several threads of this node at once.
    with tempfile.TemporaryDirectory(prefix=f"{runtime}.new.", dir=target.parent) as folder:
        making = Path(folder) / runtime
        try:
            report = _run(row, runtime, making)
        except ModelUnloadable as exc:
            _failed(row, runtime, node, exc.detail, actor=actor)
            raise
        manifest = {
            path.name: manifests.Entry(sha256=manifests.digest(path), bytes=path.stat().st_size)
            for path in sorted(making.iterdir())
        }
        accepted = runtime == Runtime.ONNX_INT8 or report["cosine_min"] >= COSINE_AT_LEAST
        found = {**report, "accepted": accepted, "manifest": manifest, "at": clock.now().isoformat()}
        _keep(row, runtime, node, found, making=making, target=target, actor=actor)
    if not accepted:
        raise ModelUnloadable(
            f"The {runtime} variant of {row} is refused: cosine {report['cosine_min']:.6f} to torch on the probes, "
            f"at least {COSINE_AT_LEAST} is asked for."
        )
    if row.runtime in (runtime, Runtime.AUTO):
        runtime_renew(row, actor=actor)
    return {"model": model, "version": row.version, "runtime": runtime, "node": node, **found}


def variant_request(*, model: str, version: str | None = None, runtime: str, actor: str = "") -> list[str]:
    """Have every live node compile a version for itself, in the background; return the nodes.

    Raises: ModelNotFound, InvalidInput, ModelUnloadable: models for the task are not compiled,
        NodeUnavailable: no node is alive.
    """
    _known(runtime)
    row = version_find(model=model, version=version)
    _compilable(row.model.task)
    nodes = [node["name"] for node in live_nodes(fresh=True)]
    if not nodes:
        raise NodeUnavailable("No node is alive; try again shortly.")
    for node in nodes:
        enqueue(
            "orchestrator.variant_export",
            kwargs={"model": model, "version": row.version, "runtime": runtime, "actor": actor},
            queue=f"altlas.node.{node}",
            on_commit=False,
        )
    return nodes


def runtime_set(*, model: str, version: str | None = None, runtime: str, actor: str = "") -> ModelVersion:
    """Choose what computes a version: `torch`, a compiled variant, or `auto`, which is the faster one by node.

    Copies in memory are replaced by warm ones with the new runtime, without a failed request.

    Raises:
        ModelNotFound.
        InvalidInput: the runtime is unknown, or no node has such a variant that was accepted.
    """
    if runtime not in Runtime.values:
        raise InvalidInput(f"Unknown runtime {runtime!r}; known are {', '.join(Runtime.values)}.")
    found = version_find(model=model, version=version)
    with transaction.atomic():
        row = ModelVersion.objects.select_for_update(of=("self",)).select_related("model").get(pk=found.pk)
        if runtime in COMPILED and not any(kept["accepted"] for kept in row.variants.get(runtime, {}).values()):
            raise InvalidInput(f"{row} has no {runtime} variant; export one first.")
        before, row.runtime = row.runtime, runtime
        row.measured_bytes = None  # another runtime, another size
        row.save(update_fields=["runtime", "measured_bytes", "updated_at"])
        event_record(
            kind=EventKind.CATALOGUE,
            model=model,
            version=row.version,
            reason=f"runtime {runtime}",
            inputs={"before": before},
            decision={"loss": _loss(row, runtime)},
            actor=actor,
        )
    runtime_renew(row, actor=actor)
    return row


def runtime_renew(row: ModelVersion, *, actor: str) -> None:
    """Replace copies that were loaded with another runtime; best effort, the catalogue has changed already, and a node
    sees that its copies differ from it with the next request."""
    spec_forget()
    try:
        model_recycle(model=row.model.name, version=row.version, seconds=10.0, actor=actor or "runtime")
    except AltlasError as exc:
        logger.warning("%s may keep its runtime where it is loaded: %s", row, exc.detail)


def variant_drop(
    *, model: str, version: str, runtime: str, node: str, manifest: Mapping[str, Any], detail: str
) -> None:
    """Have ``node`` use torch instead of its compiled variant, whose files are not what ``manifest`` says any more; one
    that was compiled since is kept."""
    with transaction.atomic():
        rows = ModelVersion.objects.select_for_update(of=("self",)).select_related("model")
        row = rows.filter(model__name=model, version=version).first()
        found = row.variants.get(runtime, {}).get(node) if row is not None else None
        if row is None or found is None or not found["accepted"] or found["manifest"] != manifest:
            return
        row.variants[runtime][node] = {**found, "accepted": False}
        row.measured_bytes = None  # another runtime, another size
        row.save(update_fields=["variants", "measured_bytes", "updated_at"])
        _failed(row, runtime, node, detail, actor="")
    spec_forget()


def folder_of(row: ModelVersion, runtime: str) -> Path:
    return engines.HOME.path / "variants" / str(row.pk) / runtime


def _known(runtime: str) -> None:
    if runtime not in COMPILED:
        raise InvalidInput(f"{runtime!r} is no compiled runtime; known are {', '.join(COMPILED)}.")


def _compilable(task: str) -> None:
    if task in UNCOMPILED:
        raise ModelUnloadable(f"Models for {task} cannot be compiled.")


def _run(row: ModelVersion, runtime: str, target: Path) -> dict[str, Any]:
    try:
        folder = sources.resolve(row.source)
        manifests.verify(folder, row.manifest)
    except (sources.SourceError, manifests.ManifestError) as exc:
        raise ModelUnloadable(f"{row}: {exc}") from exc
    order = {
        "task": row.model.task,
        "folder": str(folder),
        "target": str(target),
        "runtime": runtime,
        "threads": conf.torch_threads,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator.runner.export", json.dumps(order)],
            capture_output=True, text=True, check=False, timeout=EXPORT_SECONDS, cwd=settings.BASE_DIR,
        )  # fmt: skip
        said: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise ModelUnloadable(f"{row} took longer than {EXPORT_SECONDS:.0f} s to compile.") from None
    except ValueError:
        logger.error("the export of %s failed:\n%s", row, done.stderr[-4000:])
        raise ModelUnloadable(f"{row} could not be compiled (exit {done.returncode}); see the log.") from None
    if "error" in said:
        raise ModelUnloadable(f"{row} could not be compiled: {said['error']}")
    return said


def _keep(
    row: ModelVersion, runtime: str, node: str, found: Mapping[str, Any], *, making: Path, target: Path, actor: str
) -> None:
    with transaction.atomic():
        # Under the row's lock, so that files and manifest come from the same run, whichever is the last.
        fresh = ModelVersion.objects.select_for_update().get(pk=row.pk)
        if found["accepted"]:
            shutil.rmtree(target, ignore_errors=True)
            making.rename(target)
        fresh.variants = {**fresh.variants, runtime: {**fresh.variants.get(runtime, {}), node: dict(found)}}
        fresh.save(update_fields=["variants", "updated_at"])
        event_record(
            kind=EventKind.CATALOGUE,
            model=row.model.name,
            version=row.version,
            node=node,
            reason=f"variant {runtime} {'accepted' if found['accepted'] else 'refused'}",
            decision={name: value for name, value in found.items() if name != "manifest"},
            actor=actor,
        )


def _sweep(target: Path) -> None:
    """Remove what runs that were killed have left."""
    for left in target.parent.glob(f"{target.name}.new.*"):
        with suppress(OSError):
            if clock.now().timestamp() - left.stat().st_mtime > 2 * EXPORT_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _failed(row: ModelVersion, runtime: str, node: str, detail: str, *, actor: str) -> None:
    event_record(
        kind=EventKind.CATALOGUE,
        model=row.model.name,
        version=row.version,
        node=node,
        reason=f"variant {runtime} failed",
        decision={"detail": detail},
        actor=actor,
    )


def _loss(row: ModelVersion, runtime: str) -> dict[str, Any]:
    return {
        node: {name: found.get(name) for name in ("cosine_min", "cosine_mean", "difference_max")}
        for node, found in row.variants.get(runtime, {}).items()
    }
