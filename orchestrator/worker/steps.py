"""The bootstep that makes a Celery worker a node."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import Any

from celery import bootsteps
from django.conf import settings

from orchestrator.conf import conf
from orchestrator.lane import Door, LaneReaders, Slots
from orchestrator.services.answers import serve, serve_here, serve_order
from orchestrator.supervisor import memory
from orchestrator.supervisor.core import CoreSettings
from orchestrator.supervisor.forkserver import PRELOAD, ForkServer
from orchestrator.supervisor.health import HealthLimits
from orchestrator.supervisor.loading import LoadSettings
from orchestrator.supervisor.policy import Limits
from orchestrator.supervisor.pools import PoolLimits, RecycleLimits
from orchestrator.supervisor.runner import Loaded
from orchestrator.supervisor.spec import VersionSpec
from orchestrator.supervisor.supervisor import CacheRecord, Supervisor, SupervisorSettings
from orchestrator.watch.watcher import Watcher
from orchestrator.worker import meter, node
from orchestrator.worker.heartbeat import Heartbeat
from orchestrator.worker.journal import Journal

logger = logging.getLogger(__name__)
_ORDER_THREADS = 2  # each order takes a moment, or as long as the database does
_GRACE_SECONDS = 20.0  # less than what ``up`` grants a worker before it kills it


def supervisor_settings() -> SupervisorSettings:
    return SupervisorSettings(
        core=CoreSettings(
            limits=Limits(
                budget=conf.memory_budget or memory.default_budget(),
                high=conf.high_watermark,
                high_idle=conf.high_idle,
                low=min(conf.low_watermark, conf.high_watermark),
                min_residency=conf.min_residency,
                keep_alive=conf.keep_alive,
                patience=conf.patience,
            ),
            pools=PoolLimits(
                busy_leases=conf.busy_leases, grow_seconds=conf.grow_seconds, shrink_seconds=conf.shrink_seconds
            ),
            recycling=RecycleLimits(age=conf.recycle_seconds, uses=conf.recycle_uses, growth=conf.recycle_growth),
            parallel_loads=conf.parallel_loads,
            load_queue=conf.load_queue,
            backoff_seconds=conf.backoff_seconds,
        ),
        loading=LoadSettings(
            threads=conf.torch_threads,
            batch_tokens=conf.batch_tokens,
            batch_delay=conf.batch_delay / 1000,
            load_seconds=conf.load_seconds,
            load_seconds_per_gib=conf.load_seconds_per_gib,
            stall_seconds=conf.stall_seconds,
            memory_factor=conf.runner_memory_factor,
        ),
        spare=conf.spare,
        hard_limit=conf.hard_limit,
        health=HealthLimits(
            ping_seconds=conf.ping_seconds, hang_seconds=conf.hang_seconds, stuck_seconds=conf.stuck_seconds
        ),
    )


def _shared_work(worker: Any, draining: bool) -> None:
    """Stop taking tasks that any node could do, or take them again; its own queue stays open for orders."""
    consumer = worker.consumer
    queue = worker.app.conf.task_default_queue
    consumer.call_soon(consumer.cancel_task_queue if draining else consumer.add_task_queue, queue)


def _noted(journal: Journal, record: CacheRecord) -> None:
    meter.record(record)
    journal.record(record)


def _loaded(journal: Journal, spec: VersionSpec, loaded: Loaded, measured: int) -> None:
    meter.loaded(spec, loaded)
    journal.loaded(spec, loaded, measured)


def runner_environment() -> dict[str, str]:
    """Return what model processes find in their environment: read by their libraries before any of our code runs."""
    environment = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": str(conf.onednn_cache)}
    if conf.allocator:
        environment["LD_PRELOAD"] = conf.allocator
    return environment


def _finish_tasks(worker: Any, *, within: float) -> None:
    """Let the pool end the tasks that are running and forget those that wait: the broker delivers them again."""
    pool = getattr(worker, "pool", None)
    if pool is not None:
        ending = threading.Thread(target=pool.stop, name="pool-stop", daemon=True)
        ending.start()
        ending.join(within)


class SupervisorStep(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """Starts and stops the supervisor with the worker.

    Celery stops its steps in the reverse of their order, and this one needs the pool; so it ends the pool itself,
    before the models that its tasks use.
    """

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._journal: Journal | None = None
        self._heartbeat: Heartbeat | None = None
        self._lane: LaneReaders | None = None
        self._orders: LaneReaders | None = None
        self._door: Door | None = None
        self._watcher: Watcher | None = None

    def start(self, parent: Any) -> None:
        name = settings.NODE_NAME
        self._journal = Journal(name)
        supervisor = Supervisor(
            supervisor_settings(),
            forkserver=ForkServer(preload=PRELOAD if conf.preload else "", environment=runner_environment()),
            record=partial(_noted, self._journal),
            loaded=partial(_loaded, self._journal),
            failed=self._journal.failed,
            measured=self._journal.measured,
            batches=meter.batches,
        )
        self._journal.start()
        supervisor.start()
        node.become(node.NodeWorker(name=name, supervisor=supervisor), on_drain=partial(_shared_work, parent))
        self._heartbeat = Heartbeat(name=name, supervisor=supervisor)
        self._heartbeat.start()
        slots = Slots(conf.lane_threads)
        self._lane = LaneReaders(name, threads=conf.lane_threads, serve=serve, slots=slots)
        self._lane.start()
        self._orders = LaneReaders(name, threads=_ORDER_THREADS, serve=serve_order, orders=True)
        self._orders.start()
        self._door = Door(name, threads=conf.lane_threads, serve=serve_here, slots=slots)
        self._door.start()
        self._watcher = Watcher(node=name, supervisor=supervisor, total_bytes=memory.machine_bytes())
        self._watcher.start()
        queue = f"altlas.node.{name}"
        if queue not in parent.app.amqp.queues.consume_from:
            parent.app.amqp.queues.select_add(queue)

    def stop(self, parent: Any) -> None:
        """Finish what is in hand, within a bound, then end the models."""
        here = node.current()
        end = time.monotonic() + _GRACE_SECONDS
        node.begin_stopping()
        if self._heartbeat is not None:
            self._heartbeat.report()  # nobody sends anything here any more; who waits for an answer goes on waiting
        if self._door is not None:
            self._door.stop(within=end - time.monotonic())
        if self._lane is not None:
            self._lane.stop(within=max(0.0, end - time.monotonic()))
        _finish_tasks(parent, within=max(0.0, end - time.monotonic()))
        if self._orders is not None:  # until here a load that keeps the node from stopping can be cancelled
            self._orders.stop()
        if self._watcher is not None:
            self._watcher.stop()
        if here is not None:
            here.supervisor.stop()
        if self._heartbeat is not None:
            self._heartbeat.stop()
        if here is not None:
            node.become(None)
        if self._journal is not None:
            self._journal.stop()

    terminate = stop


SUPERVISOR_STEPS = (SupervisorStep,)
