"""Echo models of a verification's own, and the private nodes that drills break."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from altlas.kernel.verification import Inconclusive, Probe
from altlas.kernel.verification.door import Door, Reply
from altlas.kernel.verification.registry import cleaner
from orchestrator.models import CacheEvent, EventKind, Model
from orchestrator.supervisor.core import CoreSettings
from orchestrator.supervisor.forkserver import ForkServer
from orchestrator.supervisor.policy import Limits
from orchestrator.supervisor.supervisor import CacheRecord, Supervisor, SupervisorSettings
from orchestrator.worker import node
from orchestrator.worker.journal import Journal

MB = 2**20
PREFIX = "verification/"
_LOG_WITHIN = 10.0
_ENDS = (EventKind.READY, EventKind.FAIL, EventKind.CANCEL)  # of a load


@cleaner
def remove_models(owner_id: Any) -> None:
    """Delete the echo models that a verification's account has registered."""
    Model.objects.filter(owner_id=owner_id, name__startswith=PREFIX).delete()


@dataclass(frozen=True, kw_only=True, slots=True)
class Drill:
    """A logged-in operator's door and the names of this run's models."""

    door: Door
    mark: str

    def name(self, word: str) -> str:
        return f"{PREFIX}{word}-{self.mark}"

    def register(self, word: str, *, version: str = "1", **options: Any) -> str:
        body = {"name": self.name(word), "task": "echo", "source": "echo://", "version": version, "options": options}
        reply = self.door.post("/api/v1/models", body)
        if not reply.ok:
            raise Inconclusive(f"no model could be registered: {reply.status} {reply.body or reply.error}")
        return self.name(word)

    def unload(self, names: list[str]) -> None:
        for name in names:
            with suppress(OSError):
                self.door.post(f"/api/v1/models/{name}/unload", {})


@contextmanager
def opened(probe: Probe) -> Iterator[Drill]:
    """Log in as an operator of the run's own; its models are unloaded and deleted afterwards."""
    with probe.account(operator=True) as account, Door(probe.url) as door:
        reply = door.log_in(account)
        if not reply.ok:
            raise Inconclusive(f"the verification's account could not log in: {reply.status} {reply.error}")
        drill = Drill(door=door, mark=secrets.token_hex(3))
        try:
            yield drill
        finally:
            names = Model.objects.filter(owner_id=account.id, name__startswith=PREFIX)
            drill.unload(list(names.values_list("name", flat=True)))


def ask(door: Door, model: str, text: str) -> Reply:
    return door.post("/v1/embeddings", {"model": model, "input": text})


def answers(reply: Reply, text: str) -> bool:
    """Whether the echo is that of ``text``: an answer that went to the wrong caller is another one's bytes."""
    data = text.encode()[:8]
    expected = [float(byte) for byte in data] + [0.0] * (8 - len(data))
    return reply.ok and reply.body["data"][0]["embedding"] == expected


def loads(models: list[str]) -> dict[str, int]:
    """Return how often each model was loaded.

    The decision log is written behind: it must tell of a load of each, and of the end of every load that it tells of.
    """
    until = time.monotonic() + _LOG_WITHIN
    while True:
        events = CacheEvent.objects.filter(model__in=models, kind__in=[EventKind.LOAD, *_ENDS])
        told = list(events.values_list("model", "kind"))
        names = [model for model, kind in told if kind == EventKind.READY]
        begun = sum(kind == EventKind.LOAD for _, kind in told)
        whole = set(names) >= set(models) and len(told) - begun >= begun
        if whole or time.monotonic() > until:
            return {model: names.count(model) for model in models}
        time.sleep(0.1)


@contextmanager
def private_node(
    *, budget: int, make: Callable[..., Supervisor] = Supervisor, record: Callable[[CacheRecord], None] | None = None
) -> Iterator[Supervisor]:
    """Run a supervisor of this process's own, with real model processes that have no torch."""
    limits = Limits(budget=budget, high=1.0, min_residency=0.0)
    settings = SupervisorSettings(core=CoreSettings(limits=limits), stop_seconds=2.0)
    supervisor = make(
        settings,
        forkserver=ForkServer(preload=""),
        record=record or (lambda _record: None),
        # How full the machine is beside us is not the question here.
        memory_share=lambda: 0.0,
    )
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


@contextmanager
def as_node(make: Callable[..., Supervisor]) -> Iterator[None]:
    """Make this process the node that its own door asks, with a supervisor that ``make`` has broken."""
    journal = Journal("drill")
    journal.start()
    with private_node(budget=2048 * MB, make=make, record=journal.record) as supervisor:
        node.become(node.NodeWorker(name="drill", supervisor=supervisor))
        try:
            yield
        finally:
            node.become(None)
            journal.stop()


def used_beyond_budget(state: Mapping[str, Any]) -> int:
    return max(0, int(state["used_bytes"]) - int(state["budget_bytes"]))
