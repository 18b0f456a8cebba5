"""The heartbeat: what this node holds, every second, to Redis; that it lives, now and then, to PostgreSQL."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import redis
from django.db import DatabaseError, InterfaceError, close_old_connections

from altlas.kernel import clock
from altlas.kernel.redis import client
from orchestrator import lane
from orchestrator.conf import conf
from orchestrator.models import Node
from orchestrator.selectors.catalogue import models_named, versions_gone
from orchestrator.selectors.cluster import PREFIX, fails_everywhere, live_nodes
from orchestrator.services.catalogue import failure_record
from orchestrator.services.jobs import jobs_reconcile, jobs_take_over
from orchestrator.services.purge import history_purge
from orchestrator.supervisor.spec import Key
from orchestrator.supervisor.supervisor import Supervisor
from orchestrator.worker import history, meter, node

logger = logging.getLogger(__name__)
_ROW_EVERY = 10.0
_PURGE_EVERY = 3600.0


class Heartbeat:
    def __init__(self, *, name: str, supervisor: Supervisor) -> None:
        self._name = name
        self._supervisor = supervisor
        self._over = threading.Event()
        self._started = clock.now()
        self._purged_at = float("-inf")
        # A database that hangs must not silence the sign of life that Redis gets.
        self._threads = [
            threading.Thread(target=self._run, args=(self.beat, conf.heartbeat_seconds), name="heartbeat", daemon=True),
            threading.Thread(target=self._run, args=(self.write, _ROW_EVERY), name="node-row", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop, and say good-bye."""
        self._over.set()
        self._threads[0].join(5)
        self.over()

    def over(self) -> None:
        """Say good-bye, so that nobody waits for the key to expire."""
        with suppress(redis.RedisError):
            client("live").delete(PREFIX + self._name)

    def beat(self) -> None:
        """Report to Redis and to Prometheus."""
        state = self.report()
        meter.state(self._name, state)
        history.keep(self._name, state)

    def report(self) -> dict[str, Any]:
        """Tell Redis what this node holds; return what was told."""
        state = {
            "name": self._name,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "at": time.time(),
            "started_at": self._started.timestamp(),
            "draining": node.draining(),
            "stopping": node.stopping(),
            **self._supervisor.state(),
        }
        with suppress(redis.RedisError):  # the broker may be away where the live state is not
            state["lane"] = lane.length(self._name)
        try:
            client("live").set(PREFIX + self._name, json.dumps(state), px=int(conf.heartbeat_ttl * 1000))
        except redis.RedisError as exc:
            logger.warning("the heartbeat did not reach Redis: %s", exc)
        return state

    def write(self) -> None:
        """Report to PostgreSQL, and put right what no longer is as it says: load jobs, copies, what was ordered."""
        state = self._supervisor.state()
        try:
            row, _made = Node.objects.update_or_create(
                name=self._name,
                defaults={
                    "budget_bytes": state["budget_bytes"],
                    "used_bytes": state["used_bytes"],
                    "host": socket.gethostname(),
                    "pid": os.getpid(),
                    "started_at": self._started,
                    "last_seen_at": clock.now(),
                },
            )
            node.set_draining(row.draining)  # also what was ordered while this node was away
            held = {Key(found["model"], found["version"]): found["state"] for found in state["replicas"]}
            jobs_reconcile(node=self._name, since=self._started, held=held)
            alive = {found["name"] for found in live_nodes(fresh=True)}
            if self._name in alive:  # otherwise it is Redis that is away, and nobody has died
                jobs_take_over(alive=alive)
            self._follow_catalogue()
            if time.monotonic() - self._purged_at >= _PURGE_EVERY:
                self._purged_at = time.monotonic()
                history_purge()
        except (DatabaseError, InterfaceError) as exc:
            logger.warning("the node's row could not be written: %s", exc)
        finally:
            close_old_connections()

    def _follow_catalogue(self) -> None:
        # Nodes are told of changes; this is for what they were told while they did not listen.
        state = self._supervisor.state()
        held = {Key(found["model"], found["version"]) for found in state["replicas"]}
        failed = {Key(found["model"], found["version"]): found for found in state["failures"]}
        # A request that was on its way when its version was retired or deleted may have had it loaded once more.
        gone = versions_gone(held | failed.keys())
        for key in gone:
            self._supervisor.forget(key)
        # What failed here while another node had it was no fault of the version; that node may have left since.
        for key in failed.keys() - gone:
            if fails_everywhere(model=key.model, version=key.version):
                detail = str(failed[key]["detail"])
                failure_record(model=key.model, version=key.version, detail=detail, node=self._name)
        for model in models_named({key.model for key in held}):
            self._supervisor.follow(model.name, pinned=model.pinned, max_replicas=model.max_replicas)

    def _run(self, work: Callable[[], None], every: float) -> None:
        while not self._over.is_set():
            try:
                work()
            except Exception:  # a node without heartbeat counts as dead
                logger.exception("the heartbeat met a defect")
            self._over.wait(every)
