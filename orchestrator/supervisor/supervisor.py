"""The supervisor of one node: the owner loop around the core, and what callers see of it."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from altlas.kernel.errors import AltlasError
from orchestrator import exceptions
from orchestrator.runner.errors import VARIANT_UNUSABLE
from orchestrator.runner.shapes import Shape
from orchestrator.supervisor import memory
from orchestrator.supervisor.core import PREFETCH, WAITING, Core, CoreSettings, Replica, Ticket
from orchestrator.supervisor.forkserver import ForkServer, ForkServerDied
from orchestrator.supervisor.health import MEMORY_EVERY, Health, HealthLimits
from orchestrator.supervisor.lease import Lease
from orchestrator.supervisor.loading import Loader, LoadSettings
from orchestrator.supervisor.runner import Loaded, LoadFailed, RunnerProcess
from orchestrator.supervisor.spare import Spare
from orchestrator.supervisor.spec import Key, VersionSpec
from orchestrator.supervisor.states import State
from orchestrator.supervisor.view import Process, Shown, describe

logger = logging.getLogger(__name__)
_SHAPES_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class SupervisorSettings:
    core: CoreSettings
    loading: LoadSettings = field(default_factory=LoadSettings)
    spare: bool = True
    hard_limit: float = 0.95
    health: HealthLimits = field(default_factory=HealthLimits)
    stop_seconds: float = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheRecord:
    """One decision or happening, on its way to the log."""

    at: float
    kind: str
    key: Key
    reason: str
    inputs: Mapping[str, Any]
    decision: Mapping[str, Any]


class Supervisor:
    """Thread-safe front: every change goes to the owner loop; using a ready model does not."""

    def __init__(
        self,
        settings: SupervisorSettings,
        *,
        forkserver: ForkServer | None = None,
        record: Callable[[CacheRecord], None] = lambda _record: None,
        loaded: Callable[[VersionSpec, Loaded, int], None] = lambda _spec, _loaded, _bytes: None,
        failed: Callable[[VersionSpec, LoadFailed], None] = lambda _spec, _failure: None,
        measured: Callable[[VersionSpec, int], None] = lambda _spec, _bytes: None,
        batches: Callable[[str, list[tuple[int, float]]], None] = lambda _model, _batches: None,
        memory_share: Callable[[], float] = memory.used_share,
    ) -> None:
        self.settings = settings
        self._core = Core(self, settings.core)
        self._forkserver = forkserver or ForkServer()
        self._spare = Spare(self._forkserver, enabled=settings.spare)
        self._loader = Loader(settings.loading, forkserver=self._forkserver, spare=self._spare)
        self._on_batches = batches
        self._health = Health(
            settings.health,
            core=self._core,
            memory_limit=settings.loading.memory_limit,
            record=self.record,
            grown=measured,
        )
        self._memory_share = memory_share
        self._share_at = 0.0
        self._hits, self._misses = itertools.count(), itertools.count()
        self._counted = [0, 0]
        self._loads = 0
        self._record = record
        self._on_loaded = loaded
        self._on_failed = failed
        self._inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._processes: dict[int, Process] = {}
        self._routes: dict[Key, tuple[tuple[Replica, RunnerProcess], ...]] = {}
        self._shown = Shown()
        self._stopping = False
        self._hungry = False
        self._pumping = False  # a pump for what was released waits in the inbox
        self._leaving: list[Replica] = []  # those for whose unload there was no thread
        self._closing = threading.Lock()  # whoever asks is in the inbox before its last events, or refused
        self._thread = threading.Thread(target=self._loop, name="supervisor", daemon=True)

    # --- life -------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        self._thread.start()
        threading.Thread(target=self._warm_up, name="forkserver-start", daemon=True).start()

    def stop(self, *, within: float = 10.0) -> None:
        """End every runner and the fork server; callers that wait are refused."""
        with self._closing:
            self._stopping = True
            self._inbox.put(self._stop)
            self._inbox.put(None)
        self._thread.join(within)
        self._spare.stop()
        self._forkserver.stop()

    # --- what callers ask -------------------------------------------------------------------------------------------
    @contextmanager
    def lease(self, spec: VersionSpec, *, deadline: float) -> Iterator[Lease]:
        """Hold ``spec`` loaded inside the block; ``deadline`` by the monotonic clock.

        Raises:
            ModelUnavailable, ModelUnloadable, LoadQueueFull: it is not loaded and will not be in time.
        """
        lease = self._enter(spec, deadline)
        try:
            yield lease
        finally:
            lease.release()

    def infer(
        self, spec: VersionSpec, inputs: Sequence[Any], *, params: Mapping[str, Any] | None = None, deadline: float
    ) -> dict[str, Any]:
        """Return the runner's answer; the model is loaded first when it has to be."""
        with self.lease(spec, deadline=deadline) as lease:
            return lease.infer(inputs, params=params, timeout=deadline - time.monotonic())

    def load(self, spec: VersionSpec, *, deadline: float, priority: int = PREFETCH) -> None:
        """Return when ``spec`` is ready; what failed before is tried at once. Errors as by ``lease``; the load goes on
        when the deadline passes."""
        future: Future[Replica] = Future()
        ticket = _ticket(spec, future, deadline=deadline, priority=priority, lease=False)
        self._ask(lambda: self._core.forgive(spec.key, now=time.monotonic()))
        self._ask(lambda: self._core.acquire(ticket, now=time.monotonic()))
        self._await(future, deadline)

    def unload(self, key: Key, *, reason: str = "operator") -> int:
        """Drain every replica of ``key`` and return how many there were; those in use finish first."""
        return int(self._call(lambda: self._core.unload(key, reason=reason, now=time.monotonic())))

    def forget(self, key: Key) -> None:
        """Unload what the catalogue does not have any more, and forget how it failed."""
        self.unload(key, reason="gone")
        self._call(lambda: self._core.forget(key))

    def cancel(self, key: Key, *, reason: str = "operator") -> int:
        """End the loads of ``key`` that are queued or under way; return how many."""
        return int(self._call(lambda: self._core.cancel(key, reason=reason, now=time.monotonic())))

    def recycle(self, key: Key, *, reason: str = "operator", spec: VersionSpec | None = None) -> int:
        """Replace every replica of ``key`` by a fresh one, of ``spec``, without a failed request; return how many."""
        return int(self._call(lambda: self._core.recycle(key, reason=reason, spec=spec, now=time.monotonic())))

    def recycle_process(self, pid: int, *, reason: str) -> int:
        """As ``recycle`` for the replica whose process is ``pid``, those beside it spared; 0 when it is gone."""
        return int(self._call(lambda: self._recycle_process(pid, reason)))

    def follow(self, model: str, *, pinned: bool, max_replicas: int) -> None:
        """Have what is loaded of ``model`` follow its row in the catalogue."""
        self._call(lambda: self._core.follow(model, pinned=pinned, max_replicas=max_replicas, now=time.monotonic()))

    def held(self) -> set[Key]:
        """Return what is loaded, or being loaded, and not about to leave; true at the moment it is asked."""
        return set(self._call(self._core.held))

    def state(self) -> dict[str, Any]:
        """Return what the node holds: the shape of one node in ``GET /api/v1/cache``."""
        return {
            **describe(self._shown, self.settings.core.limits),
            "hits": self._counted[0],
            "misses": self._counted[1],
            "loads": self._loads,
            "spare": self._spare.pid is not None,
        }

    def runners(self) -> list[tuple[Key, RunnerProcess]]:
        """Return the live processes with what they hold."""
        return [
            (replica.spec.key, process.runner)
            for replica, process in self._shown.replicas
            if process.runner is not None and process.runner.alive and replica.state in {State.READY, State.DRAINING}
        ]

    # --- entering ---------------------------------------------------------------------------------------------------
    def _enter(self, spec: VersionSpec, deadline: float) -> Lease:
        now = time.monotonic()
        if self._shown.shedding:
            raise exceptions.MemoryPressure("The node's memory is nearly full; try again shortly.")
        routes = self._routes.get(spec.key, ())
        for replica, runner in sorted(routes, key=lambda route: route[0].gate.leases) if len(routes) > 1 else routes:
            if runner.alive and replica.gate.enter(now=now):
                self._counted[0] = next(self._hits) + 1
                replica.newest = spec
                return Lease(replica=replica, runner=runner, released=self._released, hit=True)
        self._counted[1] = next(self._misses) + 1
        future: Future[Replica] = Future()
        ticket = _ticket(spec, future, deadline=deadline)
        self._ask(lambda: self._core.acquire(ticket, now=time.monotonic()))
        replica = self._await(future, deadline)
        process = self._processes.get(replica.id)
        if process is None or process.runner is None:
            replica.gate.leave(now=time.monotonic())
            raise exceptions.RunnerCrashed("The model's process ended right after it was loaded; try again.")
        return Lease(replica=replica, runner=process.runner, released=self._released, hit=False)

    def _await(self, future: Future[Replica], deadline: float) -> Replica:
        try:
            # The core refuses at the deadline and says why; the slack is for it to do so.
            return future.result(max(0.0, deadline - time.monotonic()) + 0.5)
        except FutureTimeout:
            if future.cancel():
                raise exceptions.ModelUnavailable("The node is too busy to answer; try again.") from None
            return future.result()

    def _released(self) -> None:
        if self._hungry and not self._pumping:
            self._pumping = True
            self._report(self._pump)

    def _pump(self) -> None:
        self._pumping = False  # before: who leaves from now on is perhaps not seen by this one
        self._core.pump(now=time.monotonic())

    # --- the loop ---------------------------------------------------------------------------------------------------
    def _ask(self, event: Callable[[], None]) -> None:
        with self._closing:
            if self._stopping:
                raise exceptions.NodeUnavailable("The node is stopping.")
            self._inbox.put(event)

    def _report(self, event: Callable[[], None]) -> None:
        self._inbox.put(event)

    def _call(self, function: Callable[[], Any], *, timeout: float = 10.0) -> Any:
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except Exception as exc:  # goes to the caller
                future.set_exception(exc)

        self._ask(run)
        return future.result(timeout)

    def _loop(self) -> None:
        due = time.monotonic()
        while True:
            if time.monotonic() >= due:  # also while one event follows another
                self._do(self._tick)
                due = time.monotonic() + (0.05 if self._hungry or self._core.tickets else 0.5)
            try:
                event = self._inbox.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                continue
            if event is None:
                return
            self._do(event)

    def _do(self, event: Callable[[], None]) -> None:
        try:
            event()
        except Exception:  # a defect must not end the node's only owner
            logger.exception("the supervisor's loop met a defect")
        self._publish()

    def _tick(self) -> None:
        now = time.monotonic()
        leaving, self._leaving = self._leaving, []
        for replica in leaving:
            if replica.id in self._core.replicas:
                self.start_unload(replica)
        if now - self._share_at >= MEMORY_EVERY:
            self._share_at = now
            self._core.press(self._memory_share(), hard=self.settings.hard_limit, now=now)
        self._core.tick(now=now)
        for replica in list(self._core.replicas.values()):
            process = self._processes.get(replica.id)
            if process is not None and process.runner is not None and replica.state in {State.READY, State.DRAINING}:
                self._health.look(replica, process, process.runner, now=now)

    def _publish(self) -> None:
        """Make the loop's view visible to other threads by replacing, never by changing."""
        core = self._core
        routes: dict[Key, list[tuple[Replica, RunnerProcess]]] = {}
        for replica in core.replicas.values():
            process = self._processes.get(replica.id)
            if replica.state is State.READY and process is not None and process.runner is not None:
                routes.setdefault(replica.spec.key, []).append((replica, process.runner))
        self._routes = {key: tuple(found) for key, found in routes.items()}
        self._hungry = core.hungry
        self._shown = Shown(
            replicas=tuple(
                (replica, self._processes.get(replica.id) or Process()) for replica in core.replicas.values()
            ),
            failures=tuple(core.failures.items()),
            waiting=len(core.tickets),
            shedding=core.pressure,
        )

    def _stop(self) -> None:
        for ticket in self._core.tickets:
            ticket.refuse(exceptions.NodeUnavailable("The node is stopping."))
        self._core.tickets.clear()
        running = [process.runner for process in self._processes.values() if process.runner is not None]
        for runner in running:
            runner.kill("stopped")
        for runner in running:
            runner.gone.wait(2.0)

    def _recycle_process(self, pid: int, reason: str) -> int:
        for replica in self._core.replicas.values():
            process = self._processes.get(replica.id)
            if process is not None and process.runner is not None and process.runner.pid == pid:
                now = time.monotonic()
                return self._core.recycle(replica.spec.key, reason=reason, now=now, only=replica.id)
        return 0

    # --- the core's shell -------------------------------------------------------------------------------------------
    def start_load(self, replica: Replica) -> None:
        self._loads += 1
        self._processes[replica.id] = Process()
        name = f"load-{replica.spec.key}"
        predecessor = None if replica.priority == WAITING else self._serving(replica.spec.key.model)
        try:
            threading.Thread(target=self._load, args=(replica, predecessor), name=name, daemon=True).start()
        except RuntimeError as exc:
            self._processes[replica.id].settled.set()
            detail = f"No thread could be started for its load: {exc}."
            failure = LoadFailed("model_unavailable", detail, permanent=False)
            self._report(partial(self._load_failed, replica, failure))  # not at once: the core is in the middle of it

    def _serving(self, model: str) -> RunnerProcess | None:
        """Return the process that has answered most for a model, of whatever version."""
        found = [
            (replica.gate.uses, process.runner)
            for replica in self._core.replicas.values()
            if replica.state is State.READY and replica.spec.key.model == model
            if (process := self._processes.get(replica.id)) is not None and process.runner is not None
        ]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def start_unload(self, replica: Replica) -> None:
        name = f"unload-{replica.spec.key}"
        try:
            threading.Thread(target=self._unload, args=(replica,), name=name, daemon=True).start()
        except RuntimeError:
            self._end(replica)

    def _end(self, replica: Replica) -> None:
        """Without a thread that could wait for it: kill its process, which frees one, and look again at every tick."""
        process = self._processes[replica.id]
        process.cancelled = True  # first: a load that is about to start a process looks after it has
        if process.runner is not None:
            process.runner.kill("stopped")
        if process.settled.is_set() and (process.runner is None or process.runner.gone.is_set()):
            self._report(partial(self._forget, replica, "unloaded"))
        else:
            self._leaving.append(replica)

    def hurry(self, replica: Replica) -> None:
        process = self._processes.get(replica.id)
        if process is not None and process.runner is not None:
            process.runner.hurry()

    def record(self, kind: str, key: Key, reason: str, inputs: Mapping[str, Any], decision: Mapping[str, Any]) -> None:
        self._record(CacheRecord(at=time.time(), kind=kind, key=key, reason=reason, inputs=inputs, decision=decision))

    # --- detached work: threads that only report back ----------------------------------------------------------------
    def _warm_up(self) -> None:
        with suppress(ForkServerDied):  # stopped before it began
            self._forkserver.ensure_running()
            self._spare.refill(at_once=True)

    def _load(self, replica: Replica, predecessor: RunnerProcess | None) -> None:
        spec, process, begun = replica.spec, self._processes[replica.id], time.monotonic()

        def started(runner: RunnerProcess) -> None:
            process.runner = runner
            runner.on_batches = partial(self._on_batches, spec.key.model)
            runner.watch(
                on_lost=lambda: self._report(lambda: self._lost(replica, runner)),
                on_death=lambda cause: self._report(lambda: self._exited(replica, runner, cause)),
            )
            process.settled.set()
            if replica.priority == WAITING:
                runner.hurry()  # said before there was a process to say it to, perhaps
            if self._stopping or process.cancelled:
                runner.kill("stopped")  # it came too late to be among those that `_stop` or `_unload` ended

        def progress(stage: str) -> None:
            self._report(lambda: self._core.progress(replica, stage))

        try:
            # While another version or process serves, a successor takes its time: its first callers shall not pay.
            shapes = None if predecessor is None else _in_use(predecessor)
            loaded, runner = self._loader.load(
                spec, started=started, progress=progress, shapes=shapes, waited=lambda: replica.priority == WAITING
            )
        except LoadFailed as exc:
            self._fail(replica, exc)
        except Exception as exc:  # the owner must hear of the end of every load
            logger.exception("the load of %s met a defect", spec.key)
            self._fail(replica, LoadFailed("model_unavailable", f"{type(exc).__name__}: {exc}"[:500], permanent=False))
        else:
            process.loaded, process.cold_seconds = loaded, time.monotonic() - begun
            measured = process.measure() or replica.charged
            self._report(partial(self._loaded, replica, runner, loaded, measured))
        process.settled.set()
        self._spare.refill()

    def _fail(self, replica: Replica, failure: LoadFailed) -> None:
        # A further copy or a successor says nothing of the version while another copy of it serves here.
        if failure.code == VARIANT_UNUSABLE or not self._routes.get(replica.spec.key):
            self._on_failed(replica.spec, failure)
        self._report(partial(self._load_failed, replica, failure))

    def _loaded(self, replica: Replica, runner: RunnerProcess, loaded: Loaded, measured: int) -> None:
        if not runner.alive:  # it died after its last word, and before anybody could see it do so
            detail = "The model's process ended right after it had loaded."
            self._load_failed(replica, LoadFailed("runner_crashed", detail, permanent=False))
            return
        seconds = {"load_seconds": loaded.load_seconds, "warm_seconds": loaded.warm_seconds}
        if self._core.loaded(replica, measured=measured, now=time.monotonic(), seconds=seconds):
            self._on_loaded(replica.spec, loaded, measured)
            return
        failure = self._core.failures.get(replica.spec.key)
        if failure is not None and failure.until is None:  # it takes more than there is: no version that works
            self._on_failed(replica.spec, LoadFailed(failure.code, failure.detail, permanent=True))

    def _load_failed(self, replica: Replica, failure: LoadFailed) -> None:
        if failure.code == VARIANT_UNUSABLE:
            # What serves would count as stale, and have one successor after the other fail in the same way.
            for other in self._core.of(replica.spec.key):
                other.newest = None
        self._core.load_failed(
            replica, code=failure.code, detail=failure.detail, permanent=failure.permanent, now=time.monotonic()
        )

    def _lost(self, replica: Replica, runner: RunnerProcess) -> None:
        if self._runs(replica, runner):
            self._core.lost(replica)

    def _runs(self, replica: Replica, runner: RunnerProcess) -> bool:
        """Return whether it is still this process: a load that was starved begins anew in another one."""
        process = self._processes.get(replica.id)
        return process is not None and process.runner is runner

    def _exited(self, replica: Replica, runner: RunnerProcess, cause: str) -> None:
        if not self._runs(replica, runner):
            return
        if replica.state in {State.LOADING, State.WARMING}:
            return  # the loading thread reports the failure, with the better reason; its unload finds no process
        self._forget(replica, cause)

    def _unload(self, replica: Replica) -> None:
        process = self._processes.get(replica.id)
        if process is not None:
            # Cancelled so early that its process is only being forked: it must not be left behind.
            process.settled.wait(self.settings.loading.timeout(replica.spec))
            process.cancelled = True
        runner = process.runner if process else None
        if runner is not None and not runner.gone.is_set():
            if process is not None and process.loaded is None:
                runner.kill("cancelled")  # busy loading, it would hear nothing else
            runner.stop(within=self.settings.stop_seconds)
            if not runner.gone.is_set():
                # Its memory is not back. Its reader waits for its end, however long that takes, and reports it.
                logger.error("%s: process %d was killed and has not gone (state D?)", replica.spec.key, runner.pid)
                return
        self._report(lambda: self._forget(replica, "unloaded"))

    def _forget(self, replica: Replica, cause: str) -> None:
        if replica.id in self._core.replicas:
            self._core.exited(replica, cause=cause, now=time.monotonic())
        if replica.id not in self._core.replicas:
            self._processes.pop(replica.id, None)


def _in_use(runner: RunnerProcess) -> list[Shape]:
    with suppress(AltlasError):  # it is on its way out: a successor without its shapes is better than none
        return runner.shapes(timeout=_SHAPES_SECONDS)
    return []


def _ticket(
    spec: VersionSpec, future: Future[Replica], *, deadline: float, priority: int = 0, lease: bool = True
) -> Ticket:
    def grant(replica: Replica) -> bool:
        if not future.set_running_or_notify_cancel():
            return False
        future.set_result(replica)
        return True

    def refuse(error: AltlasError) -> None:
        if future.set_running_or_notify_cancel():
            future.set_exception(error)

    return Ticket(spec=spec, deadline=deadline, grant=grant, refuse=refuse, priority=priority, lease=lease)
