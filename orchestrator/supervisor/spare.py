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
        threading.Thread(target=self._fill, args=(wait,), name="spare", daemon=True).start()

    def stop(self) -> None:
        with self._lock:
            self._enabled = False
        self._over.set()
        runner = self.take()
        if runner is not None:
            runner.kill("stopped")
            runner.gone.wait(2.0)

    def _fill(self, wait: float) -> None:
        runner: RunnerProcess | None = None
        if self._over.wait(wait):
            return
        try:
            runner = RunnerProcess(self._forkserver, name="spare", timeout=_START_SECONDS)
            runner.rehearse()
        except (SpawnFailed, AltlasError) as exc:
            logger.info("no spare runner: %s", exc)
        with self._lock:
            self._filling = False
            keep = self._enabled and runner is not None
            self._runner = runner if keep else None
        if runner is not None and not keep:
            runner.kill("stopped")
