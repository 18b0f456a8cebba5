"""The cache's core under a made-up clock and a fake shell, driven by hypothesis: every step checks the promises.

As many steps as ``ALTLAS_TEST_STEPS`` says (default: enough for CI); a million offline:

    ALTLAS_TEST_STEPS=1000000 python -m pytest tests/orchestrator/test_cache_machine.py
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from altlas.kernel.errors import AltlasError
from orchestrator.supervisor.core import PREFETCH, Core, CoreSettings, Replica, Ticket
from orchestrator.supervisor.policy import Limits
from orchestrator.supervisor.pools import PoolLimits, RecycleLimits
from orchestrator.supervisor.replay import agrees
from orchestrator.supervisor.spec import Key, VersionSpec
from orchestrator.supervisor.states import ARRIVING, CHARGED, LEAVING, State

BUDGET = 100
SPECS = [
    VersionSpec(key=Key(name, "1"), task="echo", folder=None, expected_bytes=size, max_replicas=most)
    for name, size, most in (("a", 30, 1), ("b", 45, 2), ("c", 60, 1), ("d", 20, 3), ("e", 101, 1), ("f", 90, 1))
]
models = st.integers(0, len(SPECS) - 1)


@dataclass(eq=False)
class Caller:
    """Somebody who asked for a model; ``answers`` must come to exactly one, by the deadline."""

    deadline: float
    lease: bool
    answers: list[Replica | AltlasError] = field(default_factory=list)
    inside: bool = False


class FakeShell:
    """Loads and unloads go on until the machine ends them."""

    def __init__(self) -> None:
        self.loading: list[Replica] = []
        self.unloading: list[Replica] = []
        self.decisions = 0
        self.ready: Callable[[], set[int]] = set

    def start_load(self, replica: Replica) -> None:
        assert replica.state is State.LOADING
        same = [other for other in self.loading if other.spec.key == replica.spec.key]
        assert not same, "one load per version and node"
        self.loading.append(replica)

    def hurry(self, replica: Replica) -> None:
        assert replica.state in ARRIVING

    def start_unload(self, replica: Replica) -> None:
        assert replica.crashed or replica.gate.leases == 0, "no unload under a lease"
        if replica in self.loading:
            self.loading.remove(replica)
        self.unloading.append(replica)

    def record(self, kind: str, key: Key, reason: str, inputs: Mapping[str, Any], decision: Mapping[str, Any]) -> None:
        assert agrees(inputs, decision) is not False, (kind, reason, inputs, decision)
        assert reason not in {"makes_room_for_its_successor", "no_room"} or inputs["rule"] == "make_room"
        if reason == "replaced":
            assert decision["successor"] in self.ready(), "the old one leaves once the new one serves"
        self.decisions += 1


class CacheMachine(RuleBasedStateMachine):
    @initialize(
        min_residency=st.sampled_from([0.0, 3.0]),
        keep_alive=st.sampled_from([0.0, 20.0]),
        high_idle=st.sampled_from([0.0, 10.0]),
    )
    def begin(self, min_residency: float, keep_alive: float, high_idle: float) -> None:
        self.now = 1000.0
        self.shell = FakeShell()
        limits = Limits(
            budget=BUDGET,
            high=0.9,
            low=0.6,
            high_idle=high_idle,
            min_residency=min_residency,
            keep_alive=keep_alive,
            patience=4.0,
        )
        self.core = Core(
            self.shell,
            CoreSettings(
                limits=limits,
                pools=PoolLimits(busy_leases=2.0, grow_seconds=2.0, shrink_seconds=5.0),
                recycling=RecycleLimits(age=60.0, uses=50, growth=5),
                parallel_loads=2,
                load_queue=3,
                order_seconds=60.0,
            ),
        )
        self.shell.ready = lambda: {r.id for r in self.core.replicas.values() if r.state is State.READY}
        self.specs = list(SPECS)
        self.callers: list[Caller] = []
        self.pins = set[int]()

    # --- callers ----------------------------------------------------------------------------------------------------
    @rule(model=models, patience=st.floats(0.1, 30.0), lease=st.booleans(), gone=st.integers(0, 9))
    def ask(self, model: int, patience: float, lease: bool, gone: int) -> None:
        caller = Caller(deadline=self.now + patience, lease=lease)

        def grant(replica: Replica) -> bool:
            if lease:
                assert replica.state is State.READY, "a lease is given on what is ready"
            caller.answers.append(replica)
            caller.inside = lease and gone > 0
            return gone > 0  # a tenth has hung up

        self.callers.append(caller)
        self.core.acquire(
            Ticket(
                spec=self.specs[model],
                deadline=caller.deadline,
                grant=grant,
                refuse=caller.answers.append,
                priority=0 if lease else PREFETCH,
                lease=lease,
            ),
            now=self.now,
        )

    @precondition(lambda self: any(caller.inside for caller in self.callers))
    @rule(data=st.data(), answered=st.booleans())
    def leave(self, data: st.DataObject, answered: bool) -> None:
        caller = data.draw(st.sampled_from([caller for caller in self.callers if caller.inside]))
        caller.inside = False
        replica = caller.answers[0]
        assert isinstance(replica, Replica)
        replica.gate.answered = replica.gate.answered or answered
        replica.gate.leave(now=self.now)
        self.core.pump(now=self.now)

    # --- the world --------------------------------------------------------------------------------------------------
    @precondition(lambda self: self.shell.loading)
    @rule(data=st.data(), saved=st.integers(0, 10), huge=st.integers(0, 9))
    def load_ends(self, data: st.DataObject, saved: int, huge: int) -> None:
        replica = data.draw(st.sampled_from(self.shell.loading))
        self.shell.loading.remove(replica)
        self.core.progress(replica, "warming")
        if not huge and replica.charged == BUDGET:
            self.core.loaded(replica, measured=BUDGET + 1, now=self.now)
            assert replica.state is State.UNLOADING
            replica.charged = BUDGET  # what it took is no fault of the core
            return
        self.core.loaded(replica, measured=max(1, replica.charged - saved), now=self.now)

    @precondition(lambda self: self.shell.loading)
    @rule(data=st.data(), permanent=st.booleans())
    def load_fails(self, data: st.DataObject, permanent: bool) -> None:
        replica = data.draw(st.sampled_from(self.shell.loading))
        self.core.load_failed(replica, code="model_unavailable", detail="x", permanent=permanent, now=self.now)

    @precondition(lambda self: self.shell.unloading)
    @rule(data=st.data(), late=st.booleans())
    def unload_ends(self, data: st.DataObject, late: bool) -> None:
        replica = data.draw(st.sampled_from(self.shell.unloading))
        if late:  # the load that was cancelled says so only now
            self.core.loaded(replica, measured=10, now=self.now)
            self.core.load_failed(replica, code="runner_crashed", detail="x", permanent=False, now=self.now)
        self.shell.unloading.remove(replica)
        self.core.exited(replica, cause="unloaded", now=self.now)

    @precondition(lambda self: self._serving())
    @rule(data=st.data(), noticed_first=st.booleans())
    def crash(self, data: st.DataObject, noticed_first: bool) -> None:
        replica = data.draw(st.sampled_from(self._serving()))
        if noticed_first:
            self.core.lost(replica)
        self.core.exited(replica, cause="signal SIGKILL", now=self.now)
        assert replica.id not in self.core.replicas
        young = self.now - (replica.ready_at or self.now) < self.core.settings.proven_seconds
        if young and not replica.gate.answered:
            failure = self.core.failures[replica.spec.key]
            assert failure.attempts == 1 or failure.blocks(self.now), "only the first crash is tried again at once"

    @precondition(lambda self: self._serving())
    @rule(data=st.data(), change=st.integers(-5, 10))
    def measure(self, data: st.DataObject, change: int) -> None:
        replica = data.draw(st.sampled_from(self._serving()))
        # No policy can hold memory that grows beyond what is left: the limit of each process and the hard limit do.
        room = BUDGET - sum(r.charged for r in self.core.replicas.values() if r.state in CHARGED)
        self.core.remeasured(replica, measured=max(1, replica.charged + min(change, room)))

    @rule(seconds=st.floats(0.0, 8.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.core.tick(now=self.now)
        for caller in self.callers:
            assert caller.answers or caller.deadline > self.now, "every waiter is answered by its deadline"

    @rule(share=st.sampled_from([0.5, 0.5, 0.93, 0.97]))
    def press(self, share: float) -> None:
        self.core.press(share, hard=0.95, now=self.now)

    # --- operators --------------------------------------------------------------------------------------------------
    @rule(model=models)
    def unload(self, model: int) -> None:
        self.core.unload(SPECS[model].key, reason="operator", now=self.now)

    @rule(model=models)
    def cancel(self, model: int) -> None:
        self.core.cancel(SPECS[model].key, reason="operator", now=self.now)
        assert not [replica for replica in self.core.of(SPECS[model].key) if replica.state in ARRIVING]

    @rule(model=models, pinned=st.booleans())
    def pin(self, model: int, pinned: bool) -> None:
        spec = SPECS[model]
        self.core.follow(spec.key.model, pinned=pinned, max_replicas=spec.max_replicas, now=self.now)

    @rule(model=models)
    def recycle(self, model: int) -> None:
        self.core.recycle(SPECS[model].key, reason="operator", now=self.now)

    @rule(model=models)
    def forgive(self, model: int) -> None:
        self.core.forgive(SPECS[model].key, now=self.now)

    @rule(model=models, size=st.integers(5, 110), runtime=st.sampled_from(["torch", "onnx"]), told=st.booleans())
    def catalogue_changes(self, model: int, size: int, runtime: str, told: bool) -> None:
        before = self.specs[model]
        self.specs[model] = spec = replace(before, expected_bytes=size, estimated_bytes=size // 2, runtime=runtime)
        if told:
            self.core.recycle(spec.key, reason="operator", spec=spec, now=self.now)

    # --- promises ---------------------------------------------------------------------------------------------------
    @invariant()
    def the_budget_holds(self) -> None:
        used = sum(replica.charged for replica in self.core.replicas.values() if replica.state in CHARGED)
        assert used <= BUDGET, used

    @invariant()
    def one_arrival_per_version(self) -> None:
        for spec in SPECS:
            replicas = self.core.of(spec.key)
            assert sum(replica.state in ARRIVING for replica in replicas) <= 1
            assert sum(replica.state is State.READY for replica in replicas) <= spec.max_replicas

    @invariant()
    def no_load_is_queued_for_ever(self) -> None:
        longest = self.core.settings.order_seconds
        for replica in self.core.replicas.values():
            if replica.state is State.QUEUED and not replica.extra and not self.core._waited_for(replica.spec.key):
                assert self.now - replica.queued_at <= longest + 8.0

    @invariant()
    def answers_come_once(self) -> None:
        waiting = len(self.core.tickets)
        assert all(len(caller.answers) <= 1 for caller in self.callers)
        assert sum(not caller.answers for caller in self.callers) == waiting
        self.callers = [caller for caller in self.callers if caller.inside or not caller.answers]

    @invariant()
    def leases_are_counted(self) -> None:
        inside = sum(caller.inside for caller in self.callers if not _crashed(caller))
        held = sum(replica.gate.leases for replica in self.core.replicas.values() if not replica.crashed)
        assert held == inside

    @invariant()
    def what_leaves_is_being_unloaded(self) -> None:
        for replica in self.core.replicas.values():
            assert (replica.state is State.UNLOADING) <= (replica in self.shell.unloading or replica.crashed)
            assert replica.state is not State.DRAINING or replica.gate.leases, "an idle one does not linger"

    @invariant()
    def what_is_pinned_leaves_for_no_other_model(self) -> None:
        for replica in self.core.replicas.values():
            if replica.id in self.pins and replica.pinned and replica.state in LEAVING and not replica.crashed:
                assert replica.reason in {"operator", "replaced", "makes_room_for_its_successor", "idle"}
        self.pins = {r.id for r in self.core.replicas.values() if r.pinned and r.state is State.READY}

    def _serving(self) -> list[Replica]:
        return [r for r in self.core.replicas.values() if r.state in {State.READY, State.DRAINING}]


def _crashed(caller: Caller) -> bool:
    return any(isinstance(answer, Replica) and answer.crashed for answer in caller.answers)


__all__ = ["CacheMachine"]
