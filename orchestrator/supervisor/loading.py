"""Loading one replica: from a process, forked or spare, to a warm model. Runs in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.manifest import ManifestError, UnreadableFiles, verify
from orchestrator.runner.errors import STARVED, VARIANT_UNUSABLE
from orchestrator.runner.shapes import Shape
from orchestrator.supervisor.forkserver import ForkServer, SpawnFailed
from orchestrator.supervisor.runner import Loaded, LoadFailed, RunnerProcess
from orchestrator.supervisor.spare import Spare
from orchestrator.supervisor.spec import VersionSpec

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadSettings:
    """``memory_factor`` and ``memory_slack``: what a runner may hold beyond the bytes expected of it; 0 and 0 is no
    limit. Times in seconds."""

    threads: int = 1
    batch_tokens: int = 1024
    batch_delay: float = 0.0
    load_seconds: float = 120.0
    load_seconds_per_gib: float = 20.0
    stall_seconds: float = 30.0
    memory_factor: float = 2.0
    memory_slack: int = 256 * 2**20

    def timeout(self, spec: VersionSpec) -> float:
        return self.load_seconds + self.load_seconds_per_gib * spec.weights_bytes / 2**30

    def memory_limit(self, spec: VersionSpec) -> int:
        """Return the bytes above which a runner of ``spec`` is ended; 0 for never."""
        if self.memory_factor <= 0:
            return 0
        return max(int(spec.expected_bytes * self.memory_factor), spec.expected_bytes + self.memory_slack)


class Loader:
    def __init__(self, settings: LoadSettings, *, forkserver: ForkServer, spare: Spare) -> None:
        self._settings = settings
        self._forkserver = forkserver
        self._spare = spare

    def load(
        self,
        spec: VersionSpec,
        *,
        started: Callable[[RunnerProcess], None],
        progress: Callable[[str], None],
        shapes: Sequence[Shape] | None = None,
        waited: Callable[[], bool] = lambda: False,
    ) -> tuple[Loaded, RunnerProcess]:
        """Return the warm process; ``started`` gets it before the load begins, and its heir when that begins anew.

        ``shapes``, for a successor that nobody waits for, are run before it counts as ready, and all of it takes only
        what processors others leave. Where they leave none, it begins anew and is given a small share, or its full one
        when somebody waits for it by then, as ``waited`` says.

        Raises:
            LoadFailed: says why, and whether trying again may help.
        """
        checked = _Check(spec, timeout=self._settings.timeout(spec), stall=self._settings.stall_seconds)
        try:
            loaded = self._attempts(spec, started=started, progress=progress, shapes=shapes, waited=waited)
        except LoadFailed as exc:
            # Files that are not what was registered explain a failure better than what broke on them.
            checked.wait()
            raise exc
        checked.wait()
        return loaded

    def _attempts(
        self,
        spec: VersionSpec,
        *,
        started: Callable[[RunnerProcess], None],
        progress: Callable[[str], None],
        shapes: Sequence[Shape] | None,
        waited: Callable[[], bool],
    ) -> tuple[Loaded, RunnerProcess]:
        patient = True
        while True:
            hurried = waited()
            try:
                return self._attempt(
                    spec, started=started, progress=progress, shapes=None if hurried else shapes, patient=patient
                )
            except LoadFailed as exc:
                # Only what lets others go first can starve, and with a small share only when somebody began to wait.
                if exc.code != STARVED or hurried:
                    raise
            patient = False
            share = "its full share" if waited() else "a small share"
            logger.info("%s: no processor was left for the load; once more with %s of them", spec.key, share)

    def _attempt(
        self,
        spec: VersionSpec,
        *,
        started: Callable[[RunnerProcess], None],
        progress: Callable[[str], None],
        shapes: Sequence[Shape] | None,
        patient: bool,
    ) -> tuple[Loaded, RunnerProcess]:
        settings = self._settings
        timeout, begun = settings.timeout(spec), time.monotonic()
        try:
            runner = self._spare.take() or RunnerProcess(self._forkserver, name=str(spec.key), timeout=timeout)
        except SpawnFailed as exc:
            raise LoadFailed("model_unavailable", str(exc), permanent=False) from exc
        started(runner)
        order = {
            "name": str(spec.key),
            "task": spec.task,
            "folder": str(spec.folder) if spec.folder else "",
            "options": dict(spec.options),
            "runtime": spec.runtime,
            "variant": str(spec.variant) if spec.variant else "",
            "threads": settings.threads,
            "batch_tokens": settings.batch_tokens,
            "batch_delay": settings.batch_delay,
            "memory_limit": settings.memory_limit(spec),
            "shapes": shapes,
            "patient": patient,
        }
        left = max(1.0, timeout - (time.monotonic() - begun))
        try:
            return runner.load(order, timeout=left, progress=progress, stall=settings.stall_seconds), runner
        except LoadFailed as exc:
            if exc.code == STARVED:
                runner.gone.wait(timeout)  # its memory is to be back before another takes as much
            raise


class _Check:
    """The manifest check, beside the load: nothing is served before both are done.

    Like the load it may take ``timeout`` seconds, and ``stall`` more from when it last read something, up to ten times
    the timeout: a disk that hangs must not keep its model loading for ever.
    """

    def __init__(self, spec: VersionSpec, *, timeout: float, stall: float) -> None:
        self._done: Future[None] = Future()
        self._begun = self._last = time.monotonic()
        self._timeout, self._stall = timeout, stall
        if spec.folder is None:
            self._done.set_result(None)
        else:
            threading.Thread(target=self._run, args=(spec.folder, spec), name="manifest", daemon=True).start()

    def wait(self) -> None:
        """Raises: LoadFailed."""
        try:
            while not self._done.done() and (left := self._until() - time.monotonic()) > 0:
                with suppress(FutureTimeout):
                    self._done.result(left)
            self._done.result(0)
        except FutureTimeout:
            raise LoadFailed("model_unavailable", "Its files could not be read in time.", permanent=False) from None
        except UnreadableFiles as exc:
            raise LoadFailed("model_unavailable", str(exc), permanent=False) from exc
        except ManifestError as exc:
            raise LoadFailed("model_unloadable", str(exc), permanent=True) from exc

    def _until(self) -> float:
        return min(max(self._begun + self._timeout, self._last + self._stall), self._begun + 10 * self._timeout)

    def _read(self) -> None:
        self._last = time.monotonic()

    def _run(self, folder: Path, spec: VersionSpec) -> None:
        try:
            verify(folder, spec.manifest, progress=self._read)
            if spec.variant is not None:
                self._run_variant(spec.variant, spec)
        except BaseException as exc:
            self._done.set_exception(exc)
        else:
            self._done.set_result(None)

    def _run_variant(self, folder: Path, spec: VersionSpec) -> None:
        try:
            verify(folder, spec.variant_manifest, progress=self._read)
        except UnreadableFiles:
            raise
        except ManifestError as exc:  # this node's own fault, and torch needs none
            detail = f"The compiled variant: {exc}"
            raise LoadFailed(VARIANT_UNUSABLE, detail, permanent=False) from exc
