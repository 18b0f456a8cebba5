"""The spare runner: forked, rehearsed and idle, so that the next load need not wait for either."""

from __future__ import annotations

import logging
import threading

from altlas.kernel.errors import AltlasError
from orchestrator.supervisor.forkserver import ForkServer, SpawnFailed
from orchestrator.supervisor.runner import RunnerProcess

logger = logging.getLogger(__name__)
_START_SECONDS = 120.0
_BEHIND_SECONDS = 0.5  # what a load was for, the first answer, goes first


class Spare:
    """Holds at most one; taking it leaves a gap that ``refill`` closes, after the load and not beside it."""

    def __init__(self, forkserver: ForkServer, *, enabled: bool) -> None:
        self._forkserver = forkserver
        self._enabled = enabled
        self._lock = threading.Lock()
        self._runner: RunnerProcess | None = None
        self._filling = False
        self._over = threading.Event()

    def take(self) -> RunnerProcess | None:
        """Return the spare when there is a live one."""
        with self._lock:
            runner, self._runner = self._runner, None
        return runner if runner is not None and runner.alive else None

    @property
    def pid(self) -> int | None:
        runner = self._runner
        return runner.pid if runner is not None and runner.alive else None

    def refill(self, *, at_once: bool = False) -> None:
        """See to it, in the background, that there is one; shortly, or ``at_once``."""
        with self._lock:
            if not self._enabled or self._filling or (self._runner is not None and self._runner.alive):
                return
            self._filling = True
        wait = 0.0 if at_once else _BEHIND_SECONDS
        try:
            threading.Thread(target=self._fill, args=(wait,), name="spare", daemon=True).start()
        except RuntimeError as exc:  # the next load asks again
            logger.info("no spare runner: %s", exc)
            self._filling = False

    def stop(self) -> None:
        with self._lock:
            self._enabled = False
        self._over.set()
        runner = self.take()
        if runner is not None:
            runner.kill("stopped")
            runner.gone.wait(2.0)

    def _fill(self, wait: float) -> None:
        try:
            if not self._over.wait(wait):
                self._keep(self._made())
        finally:
            self._filling = False

    def _made(self) -> RunnerProcess | None:
        try:
            runner = RunnerProcess(self._forkserver, name="spare", timeout=_START_SECONDS)
        except SpawnFailed as exc:
            logger.info("no spare runner: %s", exc)
            return None
        try:
            runner.rehearse()
        except (AltlasError, TimeoutError) as exc:
            logger.info("no spare runner: %s", exc)
            runner.kill("stopped")
            return None
        return runner

    def _keep(self, runner: RunnerProcess | None) -> None:
        with self._lock:
            keep = self._enabled
            self._runner = runner if keep else None
        if runner is not None and not keep:
            runner.kill("stopped")
