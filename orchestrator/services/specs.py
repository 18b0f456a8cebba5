"""From catalogue rows to what a supervisor loads; remembered for a moment, so that a warm request reads no table."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from altlas.kernel import clock
from orchestrator import manifest as manifests
from orchestrator import sources
from orchestrator.conf import conf
from orchestrator.exceptions import ModelUnloadable, TaskMismatch
from orchestrator.models import ModelVersion, Task
from orchestrator.selectors.catalogue import version_choose
from orchestrator.supervisor.spec import Key, VersionSpec


@dataclass(frozen=True, slots=True)
class _Kept:
    spec: VersionSpec
    until: float


_kept: dict[tuple[str, str | None], _Kept] = {}
_lock = threading.Lock()


def spec_get(*, model: str, version: str | None = None, task: str | None = None) -> VersionSpec:
    """Return what to load for ``model``; without ``version`` the aliases and the version policy choose one.

    Raises:
        ModelNotFound: no such model, version or alias.
        TaskMismatch: the model does something other than ``task``.
        ModelUnloadable: its files are not on this machine.
    """
    now = clock.monotonic()
    kept = _kept.get((model, version))
    if kept is None or kept.until <= now:
        kept = _Kept(spec_of(version_choose(model=model, version=version)), now + conf.catalogue_seconds)
        with _lock:
            if len(_kept) > 10_000:
                _kept.clear()
            _kept[(model, version)] = kept
    if task is not None and kept.spec.task != task and kept.spec.task != Task.ECHO:
        raise TaskMismatch(f"{model} is a model for {kept.spec.task}, not for {task}.")
    return kept.spec


def spec_forget() -> None:
    """Drop all that is remembered, so that the next request sees the catalogue as it is."""
    with _lock:
        _kept.clear()


def spec_of(row: ModelVersion) -> VersionSpec:
    try:
        folder = None if row.model.task == Task.ECHO else sources.resolve(row.source)
    except sources.SourceError as exc:
        raise ModelUnloadable(str(exc)) from exc
    return VersionSpec(
        key=Key(row.model.name, row.version),
        task=row.model.task,
        folder=folder,
        expected_bytes=row.measured_bytes or row.estimated_bytes,
        manifest=row.manifest,
        weights_bytes=manifests.weights_bytes(row.manifest),
        options=row.options,
        pinned=row.model.pinned,
        max_replicas=row.model.max_replicas,
    )
