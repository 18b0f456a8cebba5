"""From catalogue rows to what a supervisor loads; remembered for a moment, so that a warm request reads no table."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections
from psycopg_pool import PoolTimeout

from altlas.engines import conf as engines
from altlas.kernel import clock
from altlas.kernel.errors import AltlasError
from orchestrator import manifest as manifests
from orchestrator import runtimes, sources
from orchestrator.conf import conf
from orchestrator.exceptions import ModelUnavailable, ModelUnloadable, TaskMismatch
from orchestrator.models import ModelVersion, Runtime, Task
from orchestrator.policies import Places, Split
from orchestrator.selectors.catalogue import version_routes
from orchestrator.supervisor.spec import Key, VersionSpec

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Routes:
    """The versions that may serve a name, with their shares; good until ``until``."""

    split: Split[VersionSpec]
    until: float


# Beyond this, an old answer is no longer given while a new one is being read.
_STALE_FACTOR = 10
_WAIT_SECONDS = 10.0  # for somebody else's read, by who names no deadline

_kept: dict[tuple[str, str | None], _Routes] = {}
_forgotten = 0
_reading: dict[tuple[str, str | None], Future[_Routes]] = {}
_lock = threading.Lock()
_places = Places()


def spec_get(
    *, model: str, version: str | None = None, task: str | None = None, until: float | None = None
) -> VersionSpec:
    """Return what to load for ``model``; without ``version`` the aliases and the version policy choose one.

    The catalogue is read again in the background when the remembered answer is a little old, so that no warm request
    waits for a table; one for which nothing is remembered waits, by the monotonic clock, ``until`` then at most.

    Raises:
        ModelUnavailable: the catalogue has not been read by then.
        ModelNotFound: no such model, version or alias.
        TaskMismatch: the model does something other than ``task``.
        ModelUnloadable: its files are not on this machine.
    """
    name = (model, version)
    routes, now = _kept.get(name), clock.monotonic()
    if routes is None or now > routes.until + conf.catalogue_seconds * (_STALE_FACTOR - 1):
        routes = _read_once(name, now + _WAIT_SECONDS if until is None else until)
    elif now > routes.until:
        _read_behind(name)
    spec = routes.split.choices[0] if len(routes.split.choices) == 1 else routes.split.at(_places.next())
    if task is not None and spec.task != task and spec.task != Task.ECHO:
        raise TaskMismatch(f"{model} is a model for {spec.task}, not for {task}.")
    return spec


def spec_forget() -> None:
    """Drop all that is remembered, so that the next request sees the catalogue as it is."""
    global _forgotten
    with _lock:
        _forgotten += 1
        _kept.clear()
        _reading.clear()  # what is being read may be the catalogue as it was


def _read_once(name: tuple[str, str | None], until: float) -> _Routes:
    """Read for all who want the same now: a crowd of first requests takes one database connection, not one each.

    The one that reads is bound by the database's own limits, who waits for it by ``until``.
    """
    with _lock:
        found = _kept.get(name)
        if found is not None and clock.monotonic() <= found.until:
            return found
        reading = _reading.get(name)
        if reading is None:
            mine = _reading[name] = Future[_Routes]()
    if reading is None:
        return _read_for_all(name, mine)
    try:
        return reading.result(max(0.0, until - clock.monotonic()))
    except FutureTimeout:
        raise ModelUnavailable("The catalogue could not be read in time; try again.", retry_after=1) from None


def _read_for_all(name: tuple[str, str | None], reading: Future[_Routes]) -> _Routes:
    try:
        routes = _read(name)
    except BaseException as exc:
        reading.set_exception(exc)
        raise
    else:
        reading.set_result(routes)
        return routes
    finally:
        with _lock:
            if _reading.get(name) is reading:
                del _reading[name]


def _read(name: tuple[str, str | None]) -> _Routes:
    forgotten = _forgotten
    found = version_routes(model=name[0], version=name[1])
    usable = _usable(found)
    routes = _Routes(
        Split.of([spec for spec, _ in usable], [weight for _, weight in usable]),
        clock.monotonic() + conf.catalogue_seconds,
    )
    with _lock:
        if len(_kept) > 10_000:
            _kept.clear()
        if forgotten == _forgotten:  # else what was read may be the catalogue as it was
            _kept[name] = routes
    return routes


def _usable(found: list[tuple[ModelVersion, int]]) -> list[tuple[VersionSpec, int]]:
    """Return what can be loaded here: a canary whose files are missing must not take the others' traffic down.

    Raises: ModelUnloadable: none can.
    """
    usable: list[tuple[VersionSpec, int]] = []
    failure: ModelUnloadable | None = None
    for row, weight in found:
        try:
            usable.append((spec_of(row), weight))
        except ModelUnloadable as exc:
            logger.error("%s takes no traffic here: %s", row, exc.detail)
            failure = exc
    if not usable and failure is not None:
        raise failure
    return usable


def _read_behind(name: tuple[str, str | None]) -> None:
    with _lock:
        if name in _reading:
            return
        mine = _reading[name] = Future[_Routes]()
    threading.Thread(target=_reread, args=(name, mine), name="catalogue", daemon=True).start()


def _reread(name: tuple[str, str | None], reading: Future[_Routes]) -> None:
    try:
        _read_for_all(name, reading)
    except AltlasError:
        with _lock:
            _kept.pop(name, None)  # gone or unusable now: the next request says so
    except (DatabaseError, InterfaceError, PoolTimeout) as exc:
        logger.warning("the catalogue could not be read: %s", exc)
    finally:
        close_old_connections()


def spec_of(row: ModelVersion) -> VersionSpec:
    try:
        folder = None if row.model.task == Task.ECHO else sources.resolve(row.source)
    except sources.SourceError as exc:
        raise ModelUnloadable(str(exc)) from exc
    node = settings.NODE_NAME
    runtime = runtimes.choose(wanted=row.runtime, variants=row.variants, node=node)
    compiled = runtime != Runtime.TORCH
    return VersionSpec(
        key=Key(row.model.name, row.version),
        task=row.model.task,
        folder=folder,
        expected_bytes=row.measured_bytes or row.estimated_bytes,
        estimated_bytes=row.estimated_bytes,
        manifest=row.manifest,
        weights_bytes=manifests.weights_bytes(row.manifest),
        options=row.options,
        pinned=row.model.pinned,
        max_replicas=row.model.max_replicas,
        runtime=runtime,
        variant=engines.HOME.path / "variants" / str(row.pk) / runtime if compiled else None,
        variant_manifest=row.variants[runtime][node]["manifest"] if compiled else {},
    )
