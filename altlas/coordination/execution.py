"""Doing a claimed run: the probe that the verification is given, the sign of life beside it, the verdict after it."""

from __future__ import annotations

import logging
import os
import platform
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import django
from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from altlas.coordination import accounts, local_door
from altlas.coordination.conf import conf
from altlas.coordination.models import VerificationRun
from altlas.coordination.services import runs
from altlas.coordination.statuses import RunStatus
from altlas.kernel import clock
from altlas.kernel.errors import AltlasError
from altlas.kernel.verification import (
    Account,
    Cancelled,
    Inconclusive,
    Load,
    Outcome,
    Overdue,
    Verification,
    get,
)

logger = logging.getLogger(__name__)
_BEAT_SECONDS = 2.0
Report = Callable[[float, str], None]


def default_url() -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.HOST, settings.HOST)  # noqa: S104  # compared, not bound
    return (conf.url or f"http://{host}:{settings.PORT}").rstrip("/")


class LiveProbe:
    """See ``altlas.kernel.verification.Probe``."""

    def __init__(self, run: VerificationRun, verification: Verification, *, url: str, report: Report) -> None:
        self.url = url
        self.load = Load(run.load)
        self.parameters = verification.parameters[self.load]
        self.sabotaged = run.sabotaged
        self.share, self.stage = 0.0, ""
        self.stopped = threading.Event()
        self._service = verification.service
        self._until = clock.monotonic() + verification.seconds
        self._report = report

    def progress(self, share: float, stage: str = "") -> None:
        self.share, self.stage = share, stage or self.stage
        self._report(share, self.stage)
        if self.stopped.is_set():
            raise Cancelled
        if clock.monotonic() > self._until:
            raise Overdue

    def account(self, *, operator: bool = False) -> AbstractContextManager[Account]:
        return accounts.opened(self._service, operator=operator)


def run_execute(
    *, run: VerificationRun, url: str = "", report: Report = lambda _share, _stage: None
) -> VerificationRun:
    """Do a claimed run and store its verdict; whatever goes wrong ends in the row, never in the caller."""
    try:
        verification = get(run.name)
    except AltlasError as exc:
        return runs.run_finish(run=run, status=RunStatus.ERROR, reasons=[exc.detail])
    with ExitStack() as stack:
        if run.sabotaged:
            stack.enter_context(verification.sabotage())
            url = stack.enter_context(local_door.opened())
        probe = LiveProbe(run, verification, url=url or default_url(), report=report)
        stack.enter_context(_alive(run, probe))
        status, outcome, reasons = _judged(verification, probe)
    return runs.run_finish(run=run, status=status, outcome=outcome, reasons=reasons, environment=environment(probe.url))


def _judged(verification: Verification, probe: LiveProbe) -> tuple[RunStatus, Outcome | None, list[str]]:
    try:
        outcome = verification.run(probe)
    except Cancelled:
        return RunStatus.CANCELLED, None, ["cancelled"]
    except Overdue:
        return RunStatus.ERROR, None, [f"took longer than {verification.seconds:.0f} s"]
    except Inconclusive as exc:
        return RunStatus.INCONCLUSIVE, None, [str(exc)]
    except Exception as exc:  # a defect of a verification must end its run, not the worker
        logger.exception("verification %s met a defect", verification.name)
        return RunStatus.ERROR, None, [f"{type(exc).__name__}: {exc}"[:500]]
    broken, missing = verification.reasons(outcome.metrics)
    if broken:
        return RunStatus.FAILED, outcome, [*broken, *missing]
    return (RunStatus.INCONCLUSIVE, outcome, missing) if missing else (RunStatus.PASSED, outcome, [])


@contextmanager
def _alive(run: VerificationRun, probe: LiveProbe) -> Iterator[None]:
    """Say every two seconds that the run is alive, and hear whether it was cancelled."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(_BEAT_SECONDS):
            try:
                if not runs.run_beat(run=run, progress=probe.share, stage=probe.stage):
                    probe.stopped.set()
            except (DatabaseError, InterfaceError) as exc:
                logger.warning("no sign of life of run %s: %s", run.pk, exc)
            finally:
                close_old_connections()
        connection.close()

    thread = threading.Thread(target=beat, name="verification-alive", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)


def environment(url: str) -> dict[str, Any]:
    """Return what the figures depend on."""
    from orchestrator.selectors import cache_state
    from orchestrator.supervisor.memory import machine_bytes

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0]
    return {
        "address": url,
        "cores": os.cpu_count() or 0,
        "memory_gib": round(machine_bytes() / 2**30, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "django": django.get_version(),
        "postgresql": postgres,
        "nodes": len(cache_state()),
    }
