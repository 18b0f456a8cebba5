"""The watch's thread in the node worker: read, publish, judge, act, keep."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, InterfaceError, close_old_connections
from psycopg_pool import PoolTimeout

from altlas.kernel import clock
from orchestrator.runner.memory import trim
from orchestrator.services.memory import memory_alerts_set, memory_samples_purge, memory_samples_record
from orchestrator.supervisor.supervisor import Supervisor
from orchestrator.watch import metrics
from orchestrator.watch.conf import conf
from orchestrator.watch.processes import collect
from orchestrator.watch.readings import Reading
from orchestrator.watch.thresholds import Action, Crossing, Judge, Level, Thresholds, Verdict

logger = logging.getLogger(__name__)
_PURGE_EVERY = 100  # rounds
_ALERTS_EVERY = 20  # rounds, when nothing crosses a limit
_SETTLED = 2  # rounds in a row without a new shape end the warm-up of a runner


def thresholds(total_bytes: int) -> Thresholds:
    return Thresholds(
        runner_soft=conf.runner_soft,
        runner_hard=max(conf.runner_hard, conf.runner_soft),
        runner_slack=conf.runner_slack,
        worker_soft=conf.worker_soft,
        worker_hard=max(conf.worker_hard, conf.worker_soft),
        node_soft=int(total_bytes * conf.node_soft),
        node_hard=int(total_bytes * max(conf.node_hard, conf.node_soft)),
    )


class Watcher:
    def __init__(self, *, node: str, supervisor: Supervisor, total_bytes: int) -> None:
        self._node = node
        self._supervisor = supervisor
        self._judge = Judge(thresholds(total_bytes))
        self._shapes: dict[int, tuple[int, int]] = {}
        self._rounds = 0
        self._lost = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(5)

    def round(self) -> Verdict:
        """Look once at every process of the node and do what follows."""
        runners = self._supervisor.runners()
        for _key, runner in runners:
            runner.ping()  # what it says of itself arrives for the next round
        readings = collect({runner.pid: (str(key), runner.memory) for key, runner in runners})
        metrics.publish(self._node, readings)
        verdict = self._judge.judge(readings, warm=self._warm(readings))
        self._act(verdict)
        self._keep(readings, verdict)
        return verdict

    def _warm(self, readings: list[Reading]) -> frozenset[int]:
        """Return the runners that have seen every shape they warm up: only then is their memory a base to judge by."""
        seen: dict[int, tuple[int, int]] = {}
        for reading in readings:
            if reading.kind == "runner" and reading.told:
                shapes, rounds = self._shapes.get(reading.pid, (-1, 0))
                same = reading.told["shapes"] == shapes
                seen[reading.pid] = (reading.told["shapes"], rounds + 1 if same else 0)
        self._shapes = seen
        return frozenset(pid for pid, (_, rounds) in seen.items() if rounds >= _SETTLED)

    def _act(self, verdict: Verdict) -> None:
        for crossing in verdict.crossings:
            _log(crossing)
            if crossing.level is not Level.NONE:
                metrics.ALERTS.labels(crossing.kind, crossing.level.value).inc()
                if crossing.kind == "worker":
                    trim()  # the only process beside the runners whose heap the watch can reach: its own
        by_pid = {runner.pid: (key, runner) for key, runner in self._supervisor.runners()}
        for pid in verdict.trim:
            if pid in by_pid:
                metrics.ACTIONS.labels(Action.TRIM.value).inc()
                by_pid[pid][1].trim()
        for pid in verdict.recycle:
            if pid in by_pid:
                metrics.ACTIONS.labels(Action.RECYCLE.value).inc()
                self._supervisor.recycle_process(pid, reason="memory")  # the successor is warm first

    def _keep(self, readings: list[Reading], verdict: Verdict) -> None:
        at = clock.now()
        # At the start, for what fires of processes that went with the watch before this one; and after a lost round.
        due = bool(verdict.crossings) or self._lost or self._rounds % _ALERTS_EVERY == 0
        self._lost = True  # until it is kept
        try:
            memory_samples_record(node=self._node, at=at, readings=readings)
            if due:
                memory_alerts_set(node=self._node, standing=verdict.standing)
            if self._rounds % _PURGE_EVERY == 0:
                memory_samples_purge(node=self._node)
                trim()  # for the worker what a set point is for a runner (decision 0034)
            self._rounds += 1
            self._lost = False
        except (DatabaseError, InterfaceError, PoolTimeout) as exc:
            logger.warning("a reading of memory could not be kept: %s", exc)
        finally:
            close_old_connections()

    def _run(self) -> None:
        while not self._over.wait(conf.seconds):
            try:
                self.round()
            except Exception:  # a defect must not end the watch
                logger.exception("the memory watch met a defect")


def _log(crossing: Crossing) -> None:
    megabytes = crossing.value / 2**20, crossing.limit / 2**20
    if crossing.level is Level.NONE:
        logger.info("%s (process %d) is below its memory limits again", crossing.name, crossing.pid)
    else:
        logger.warning(
            "%s (process %d) holds %.0f MB, its %s limit is %.0f MB: %s",
            crossing.name, crossing.pid, megabytes[0], crossing.level, megabytes[1], crossing.action,
        )  # fmt: skip
