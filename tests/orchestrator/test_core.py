"""The cache's core under a made-up clock: what one sequence of events must lead to."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from altlas.kernel.errors import AltlasError
from orchestrator.exceptions import ModelUnavailable, ModelUnloadable
from orchestrator.supervisor.core import PREFETCH, WAITING, Core, CoreSettings, Replica, Ticket
from orchestrator.supervisor.gate import Gate
from orchestrator.supervisor.policy import Limits
from orchestrator.supervisor.pools import PoolLimits, RecycleLimits
from orchestrator.supervisor.replay import agrees
from orchestrator.supervisor.spec import Key, VersionSpec
from orchestrator.supervisor.states import State

Answers = list[Replica | AltlasError]


def spec(name: str, size: int, **more: Any) -> VersionSpec:
    return VersionSpec(key=Key(name, "1"), task="echo", folder=None, expected_bytes=size, **more)


@dataclass
class FakeShell:
    """Loads and unloads go on until the world ends them; every decision is made once more from its record."""

    loading: list[Replica] = field(default_factory=list)
    unloading: list[Replica] = field(default_factory=list)
    hurried: list[Replica] = field(default_factory=list)
    records: list[tuple[str, str, str]] = field(default_factory=list)

    def start_load(self, replica: Replica) -> None:
        self.loading.append(replica)

    def hurry(self, replica: Replica) -> None:
        self.hurried.append(replica)

    def start_unload(self, replica: Replica) -> None:
        self.unloading.append(replica)

    def record(self, kind: str, key: Key, reason: str, inputs: Mapping[str, Any], decision: Mapping[str, Any]) -> None:
        assert agrees(inputs, decision) is not False, (kind, reason, inputs, decision)
        self.records.append((kind, str(key), reason))


class World:
    """One node's core with a budget of 100, its shell and its clock."""

    def __init__(self, *, limits: Mapping[str, Any] | None = None, **settings: Any) -> None:
        self.shell = FakeShell()
        limits = {"budget": 100, "high": 1.0, **(limits or {})}
        self.core = Core(self.shell, CoreSettings(limits=Limits(**limits), **settings))
        self.now = 1000.0

    def ask(self, wanted: VersionSpec, *, within: float = 30.0, lease: bool = True, priority: int = WAITING) -> Answers:
        answers: Answers = []

        def grant(replica: Replica) -> bool:
            answers.append(replica)
            return True

        ticket = Ticket(
            spec=wanted,
            deadline=self.now + within,
            grant=grant,
            refuse=answers.append,
            lease=lease,
            priority=priority,
        )
        self.core.acquire(ticket, now=self.now)
        return answers

    def end_load(self, *, measured: int | None = None) -> Replica:
        replica = self.shell.loading.pop(0)
        self.core.loaded(replica, measured=measured or replica.charged, now=self.now)
        return replica

    def leave(self, answers: Answers) -> None:
        replica = served(answers)
        replica.gate.leave(now=self.now)
        self.core.pump(now=self.now)

    def hold(self, wanted: VersionSpec, *, measured: int | None = None) -> None:
        """Have ``wanted`` loaded and idle."""
        answers = self.ask(wanted)
        self.end_load(measured=measured)
        self.leave(answers)

    def end_unloads(self) -> None:
        while self.shell.unloading:
            self.core.exited(self.shell.unloading.pop(), cause="unloaded", now=self.now)

    def crash(self, replica: Replica) -> None:
        self.core.lost(replica)
        self.core.exited(replica, cause="signal SIGSEGV", now=self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass in steps of half a second."""
        for _ in range(round(seconds / 0.5)):
            self.now += 0.5
            self.core.tick(now=self.now)

    def loads(self) -> int:
        return sum(kind == "load" for kind, *_ in self.shell.records)

    def states(self, wanted: VersionSpec) -> list[State]:
        return [replica.state for replica in self.core.of(wanted.key)]


def served(answers: Answers) -> Replica:
    (answer,) = answers
    assert isinstance(answer, Replica), answer
    return answer


# --- pins -------------------------------------------------------------------------------------------------------------
def test_a_pinned_model_without_room_for_two_is_recycled_and_its_requests_wait() -> None:
    world, pinned = World(), spec("p", 60, pinned=True)
    world.hold(pinned)
    world.core.recycle(pinned.key, reason="operator", now=world.now)
    world.wait(6)
    asked = world.ask(pinned)
    world.end_unloads()
    world.end_load()
    assert served(asked).pinned


def test_a_load_waits_for_a_pinned_model_that_is_leaving() -> None:
    world, pinned, other = World(), spec("p", 60, pinned=True), spec("o", 60)
    world.hold(pinned)
    world.core.unload(pinned.key, reason="operator", now=world.now)
    asked = world.ask(other)
    world.end_unloads()
    world.end_load()
    served(asked)


def test_nothing_is_recycled_under_memory_pressure() -> None:
    world, old = World(recycling=RecycleLimits(age=10)), spec("a", 60, pinned=True)
    world.hold(old)
    world.core.press(0.99, hard=0.95, now=world.now)
    world.wait(20)
    assert world.states(old) == [State.READY]
    world.core.press(0.5, hard=0.95, now=world.now)
    world.wait(0.5)
    assert ("recycle", "a:1", "age") in world.shell.records


def test_a_successor_whose_room_was_made_outlasts_memory_pressure() -> None:
    world, old = World(), spec("a", 60, pinned=True)
    world.hold(old)
    world.core.recycle(old.key, reason="operator", now=world.now)
    world.wait(6)
    world.core.press(0.99, hard=0.95, now=world.now)
    world.end_unloads()
    refused = world.ask(old)
    assert [type(answer).__name__ for answer in refused] == ["MemoryPressure"]
    world.core.press(0.5, hard=0.95, now=world.now)
    world.end_load()
    assert world.states(old) == [State.READY]


# --- successors -------------------------------------------------------------------------------------------------------
def test_a_successor_that_waits_for_a_loading_slot_does_not_end_its_predecessor() -> None:
    world, old = World(parallel_loads=1), spec("a", 10)
    world.hold(old)
    world.ask(spec("slow", 10), within=600)
    world.core.recycle(old.key, reason="operator", now=world.now)
    world.wait(20)
    served(world.ask(old))


def test_a_predecessor_makes_room_only_where_that_is_enough() -> None:
    world, old = World(), spec("a", 50)
    world.hold(spec("p", 45, pinned=True))
    world.hold(old)
    world.core.recycle(old.key, reason="operator", spec=spec("a", 60), now=world.now)
    world.wait(6)
    assert world.states(old) == [State.READY]
    assert world.shell.records[-1] == ("cancel", "a:1", "no_room")


# --- failures ---------------------------------------------------------------------------------------------------------
def test_a_model_that_crashes_before_it_answers_is_loaded_once_more_and_then_backed_off() -> None:
    world, bad, loads = World(backoff_seconds=1.0), spec("a", 10), []
    for _ in range(100):
        world.ask(bad)
        if world.shell.loading:
            loads.append(world.now)
            world.crash(world.end_load())
        world.now += 0.1
        world.core.tick(now=world.now)
    assert [round(later - earlier) for earlier, later in itertools.pairwise(loads)] == [0, 2, 4]


def test_a_model_that_answered_and_crashes_is_loaded_again_at_once_and_its_failures_are_forgotten() -> None:
    world, good = World(), spec("a", 10)
    world.ask(good)
    world.crash(world.end_load())
    for _ in range(3):
        world.ask(good)
        replica = world.end_load()
        replica.gate.answered = True
        world.crash(replica)
    assert world.core.failures == {}


def test_a_model_that_stood_for_long_has_not_failed_when_its_process_ends() -> None:
    world, idle = World(proven_seconds=60.0), spec("a", 10)
    world.hold(idle)
    world.wait(60)
    world.crash(world.core.of(idle.key)[0])
    assert world.core.failures == {}


# --- watermarks -------------------------------------------------------------------------------------------------------
def test_models_in_turn_use_may_fill_the_budget() -> None:
    world, a, b = World(limits={"high": 0.9, "low": 0.6, "high_idle": 60.0}), spec("a", 48), spec("b", 48)
    for _turn in range(20):
        for wanted in (a, b):
            asked = world.ask(wanted)
            if world.shell.loading:
                world.end_load()
            world.wait(1)
            world.leave(asked)
    assert world.loads() == 2
    world.wait(70)
    world.end_unloads()
    assert [replica.spec.key for replica in world.core.replicas.values()] == [b.key]


def test_the_only_model_is_not_evicted_for_the_watermark() -> None:
    world, large = World(limits={"high": 0.9, "low": 0.6}), spec("large", 97)
    world.hold(large)
    world.wait(100)
    assert world.states(large) == [State.READY]
    world.core.remeasured(world.core.of(large.key)[0], measured=101)
    world.wait(1)
    assert world.states(large) == [State.UNLOADING]


def test_a_further_copy_drives_nobody_out() -> None:
    world = World(limits={"high": 0.9, "low": 0.6}, pools=PoolLimits(busy_leases=1.0, grow_seconds=1.0))
    busy, idle = spec("busy", 30, max_replicas=2), spec("idle", 35)
    world.hold(idle)
    world.ask(busy)
    world.end_load()
    world.wait(10)
    assert not world.shell.loading and world.states(idle) == [State.READY]
    assert len([kind for kind, *_ in world.shell.records if kind == "grow"]) == 1, "it is not tried again and again"


def test_a_successor_drives_nobody_out() -> None:
    world = World(limits={"high": 0.9, "low": 0.6})
    old, idle = spec("old", 30), spec("idle", 35)
    world.hold(idle)
    world.hold(old)
    world.core.recycle(old.key, reason="operator", now=world.now)
    world.end_load()
    world.wait(1)
    world.end_unloads()
    assert (world.states(idle), world.states(old)) == ([State.READY], [State.READY])


# --- who goes for whom ------------------------------------------------------------------------------------------------
def test_a_load_does_not_wait_for_the_end_of_a_long_lease_when_something_idle_can_go() -> None:
    world, slow, idle, wanted = World(), spec("slow", 50), spec("idle", 40), spec("wanted", 40)
    world.hold(idle)
    world.ask(slow)
    world.end_load()
    world.core.unload(slow.key, reason="operator", now=world.now)
    asked = world.ask(wanted)
    world.wait(8)
    assert world.states(idle) == [State.READY]
    world.wait(4)
    assert world.states(idle) == [State.UNLOADING] and world.states(slow) == [State.DRAINING]
    world.end_unloads()
    world.end_load()
    served(asked)


def test_what_nobody_waits_for_closes_no_model_in_use() -> None:
    world, used, ahead = World(), spec("used", 60), spec("ahead", 60)
    world.ask(used)
    world.end_load()
    world.ask(ahead, lease=False, priority=PREFETCH, within=60)
    world.wait(20)
    assert world.states(used) == [State.READY]
    world.ask(ahead)
    world.wait(1)
    assert world.states(used) == [State.READY], "who comes late has its own patience"
    world.wait(5)
    assert world.states(used) == [State.DRAINING]


def test_successors_do_not_fill_the_queue_of_those_who_wait() -> None:
    world = World(load_queue=2, parallel_loads=1)
    for name in "abcd":
        world.hold(spec(name, 10))
    for name in "abcd":
        world.core.recycle(Key(name, "1"), reason="operator", now=world.now)
    asked = world.ask(spec("e", 10))
    assert not asked
    while world.shell.loading:
        world.end_load()
    served(asked)


# --- what a process is to be ------------------------------------------------------------------------------------------
def test_a_successor_is_what_the_catalogue_says_by_now_and_no_smaller_than_the_old_one() -> None:
    world, old = World(), spec("m", 10)
    world.hold(old, measured=30)
    world.leave(world.ask(spec("m", 20)))
    world.core.recycle(old.key, reason="operator", now=world.now)
    (successor,) = world.shell.loading
    assert successor.charged == 30
    world.end_load()
    world.end_unloads()
    faster = spec("m", 12, runtime="onnx")
    world.core.recycle(old.key, reason="operator", spec=faster, now=world.now)
    (successor,) = world.shell.loading
    assert (successor.spec.runtime, successor.charged) == ("onnx", 12)


def test_a_copy_with_another_runtime_than_the_catalogue_is_replaced_by_a_warm_one() -> None:
    world, old, faster = World(), spec("m", 10), spec("m", 12, runtime="onnx")
    world.hold(old)
    world.leave(world.ask(faster))
    world.wait(1)
    assert world.end_load().spec.runtime == "onnx"
    world.end_unloads()
    world.wait(5)
    assert not world.shell.loading and world.states(old) == [State.READY]


def test_a_process_that_once_grew_beyond_the_budget_does_not_bar_the_next() -> None:
    world = World()
    world.hold(spec("other", 20))
    asked = world.ask(spec("m", 120, estimated_bytes=60))
    world.end_unloads()
    assert world.end_load(measured=70).charged == 70
    served(asked)


def test_what_takes_more_than_the_budget_once_loaded_does_not_stay() -> None:
    world, wanted = World(), spec("m", 60)
    asked = world.ask(wanted)
    world.end_load(measured=101)
    assert isinstance(asked[0], ModelUnloadable) and "budget" in asked[0].detail
    assert world.states(wanted) == [State.UNLOADING]
    world.end_unloads()
    assert isinstance(world.ask(wanted)[0], ModelUnloadable) and not world.shell.loading


# --- failures ---------------------------------------------------------------------------------------------------------
def test_an_order_tries_at_once_and_does_not_shorten_the_back_off() -> None:
    world, bad = World(backoff_seconds=10.0), spec("bad", 10)
    delays = []
    for _ in range(3):
        world.core.forgive(bad.key, now=world.now)
        world.ask(bad)
        world.core.load_failed(world.shell.loading.pop(), code="x", detail="x", permanent=False, now=world.now)
        world.end_unloads()
        delays.append(world.core.failures[bad.key].delay)
    assert delays == [10.0, 20.0, 40.0]


# --- priorities -------------------------------------------------------------------------------------------------------
def test_a_load_that_is_under_way_hurries_when_somebody_begins_to_wait() -> None:
    world, wanted = World(), spec("m", 10)
    world.ask(wanted, lease=False, priority=PREFETCH)
    (loading,) = world.shell.loading
    world.ask(wanted, lease=False, priority=PREFETCH)
    assert world.shell.hurried == []
    world.ask(wanted)
    world.ask(wanted)
    assert world.shell.hurried == [loading]


# --- turns ------------------------------------------------------------------------------------------------------------
def test_an_order_that_finds_no_room_stops_no_other_and_does_not_wait_for_ever() -> None:
    world = World(
        pools=PoolLimits(busy_leases=2, grow_seconds=5, shrink_seconds=600), recycling=RecycleLimits(age=1000)
    )
    used, large, small = spec("used", 40, max_replicas=2), spec("large", 70), spec("small", 5)
    world.ask(used)
    world.end_load()
    for _ in range(3):
        served(world.ask(used))
    ordered = world.ask(large, lease=False, priority=PREFETCH, within=60)
    world.wait(10)
    behind = world.ask(small, lease=False, priority=PREFETCH, within=60)
    while world.shell.loading:
        world.end_load()
    served(behind)
    assert world.states(used) == [State.READY, State.READY], "its pool grows beside the order"
    world.wait(700)
    assert world.states(large) == [] and not isinstance(ordered[0], Replica)
    assert ("cancel", "large:1", "no_room_in_time") in world.shell.records


def test_a_load_whose_callers_have_gone_closes_no_model_in_use() -> None:
    world, used, ahead = World(), spec("used", 60), spec("ahead", 60)
    world.ask(used)
    world.end_load()
    world.ask(ahead, lease=False, priority=PREFETCH, within=1)
    world.ask(ahead, within=1)
    world.wait(30)
    assert world.states(used) == [State.READY]
    assert world.states(ahead) == [State.QUEUED]


def test_a_predecessor_is_not_let_go_for_the_room_of_those_who_go_first() -> None:
    world = World(limits={"patience": 30.0})
    pinned, used, other = spec("p", 40, pinned=True), spec("used", 40), spec("other", 45)
    world.hold(pinned)
    leased = world.ask(used)
    world.end_load()
    world.core.recycle(pinned.key, reason="operator", now=world.now)
    asked = world.ask(other, within=25)
    world.wait(20)
    served(world.ask(pinned))
    world.leave(leased)
    world.end_unloads()
    world.end_load()
    served(asked)


def test_a_successor_that_fits_waits_for_its_turn_and_not_for_its_predecessor() -> None:
    world = World(limits={"patience": 30.0})
    old, used, brief = spec("old", 20), spec("used", 60), spec("brief", 20)
    world.hold(old)
    world.ask(used)
    world.end_load()
    world.ask(brief)
    world.end_load()
    world.core.recycle(old.key, reason="operator", now=world.now)
    world.ask(spec("other", 45), within=20)
    world.wait(2.5)
    world.crash(world.core.of(brief.key)[0])
    world.wait(10)
    assert world.states(old) == [State.READY, State.QUEUED], "who waits goes first"
    world.wait(10)
    world.end_load()
    world.end_unloads()
    assert world.states(old) == [State.READY]
    assert ("unload", "old:1", "makes_room_for_its_successor") not in world.shell.records


def test_an_heir_gets_the_room_that_was_made_for_it() -> None:
    world, old, late = World(), spec("old", 60, pinned=True), spec("late", 60)
    world.hold(old)
    world.core.recycle(old.key, reason="operator", now=world.now)
    world.wait(6)
    world.ask(late, within=5)
    world.end_unloads()
    assert world.end_load().spec.key == old.key


def test_a_pinned_model_that_is_replaced_refuses_nobody() -> None:
    world, pinned, other = World(), spec("p", 40, pinned=True), spec("other", 30)
    world.hold(pinned)
    world.core.recycle(pinned.key, reason="operator", now=world.now)
    asked = world.ask(other)
    world.end_load()
    world.end_unloads()
    world.end_load()
    served(asked)
    assert world.states(pinned) == [State.READY]


# --- growth that fails ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("permanent", [False, True])
def test_a_pool_that_cannot_grow_backs_off_and_what_serves_it_is_not_blamed(permanent: bool) -> None:
    world = World(pools=PoolLimits(busy_leases=2, grow_seconds=5, shrink_seconds=600))
    busy = spec("busy", 10, max_replicas=3)
    first = world.ask(busy)
    world.end_load()
    for _ in range(3):
        served(world.ask(busy))
    begun = 0
    for _ in range(1200):
        world.wait(0.5)
        while world.shell.loading:
            begun += 1
            replica = world.shell.loading.pop()
            world.core.load_failed(replica, code="model_unavailable", detail="x", permanent=permanent, now=world.now)
            world.end_unloads()
    assert begun == (1 if permanent else 6), "10 s, doubling to 5 minutes"
    world.crash(served(first))
    asked = world.ask(busy)
    world.end_load()
    served(asked)


def test_memory_pressure_is_met_though_a_long_lease_keeps_something_from_leaving() -> None:
    world, held, idle = World(), spec("held", 30), spec("idle", 30)
    world.ask(held)
    world.end_load()
    world.hold(idle)
    world.core.unload(held.key, reason="operator", now=world.now)
    assert world.states(held) == [State.DRAINING]
    world.core.press(0.99, hard=0.95, now=world.now)
    world.end_unloads()
    assert world.states(idle) == []


def test_memory_of_a_failure_is_kept_while_it_means_something() -> None:
    world, poor, gone = World(), spec("poor", 10), spec("gone", 10)
    for wanted, permanent in ((poor, False), (gone, True)):
        world.ask(wanted)
        replica = world.shell.loading.pop()
        world.core.load_failed(replica, code="model_unavailable", detail="x", permanent=permanent, now=world.now)
    world.end_unloads()
    world.wait(300)
    assert set(world.core.failures) == {poor.key, gone.key}
    world.wait(320)
    assert set(world.core.failures) == {gone.key}
    world.core.forget(gone.key)
    assert world.core.failures == {}


# --- what others have left for ----------------------------------------------------------------------------------------
def test_who_cannot_fit_beside_a_pinned_model_is_told_so_and_its_successor_goes_on() -> None:
    world, pinned, other = World(), spec("p", 60, pinned=True), spec("other", 50)
    world.hold(pinned)
    world.core.recycle(pinned.key, reason="operator", now=world.now)
    assert isinstance(world.ask(other)[0], ModelUnavailable)
    world.wait(6)
    world.end_unloads()
    assert world.end_load().spec.key == pinned.key


def test_callers_of_short_patience_share_one() -> None:
    world, used, wanted = World(), spec("used", 60), spec("wanted", 60)
    world.ask(used)
    world.end_load()
    for _ in range(6):
        world.ask(wanted, within=2)
        world.wait(1)
    assert world.states(used) == [State.DRAINING]


def test_an_order_without_room_keeps_no_successor_waiting() -> None:
    world, used, worn = World(), spec("used", 50), spec("worn", 40)
    world.ask(worn)
    world.end_load()
    world.ask(used)
    world.end_load()
    world.ask(spec("order", 60), within=1, lease=False, priority=PREFETCH)
    world.wait(2)
    world.core.recycle(worn.key, reason="operator", now=world.now)
    world.wait(6)
    assert ("unload", "worn:1", "makes_room_for_its_successor") in world.shell.records


def test_who_left_for_an_order_does_not_come_back_before_it() -> None:
    world, order = World(), spec("order", 90)
    models = [spec(name, 25) for name in "abcd"]
    for model in models:
        world.hold(model)
    world.ask(order, within=60, lease=False, priority=PREFETCH)
    asked = []
    for _ in models:  # their bytes come back one after the other, and they are asked for all the time
        world.core.exited(world.shell.unloading.pop(), cause="unloaded", now=world.now)
        asked += [world.ask(model) for model in models]
        world.wait(0.5)
    assert [replica.spec.key for replica in world.shell.loading] == [order.key]
    world.end_load()
    world.end_unloads()
    while world.shell.loading:
        world.end_load()
    assert all(served(answers) for answers in asked[:4])


def test_an_eviction_is_written_down_under_the_name_of_what_left() -> None:
    world = World()
    for name in "ab":
        world.hold(spec(name, 45))
    world.ask(spec("c", 90))
    evicted = [key for kind, key, reason in world.shell.records if kind == "evict"]
    assert evicted == ["a:1", "b:1"]


def test_a_copy_that_crashes_is_not_held_against_the_one_that_serves() -> None:
    world = World(pools=PoolLimits(busy_leases=2, grow_seconds=1, shrink_seconds=600))
    busy = spec("busy", 20, max_replicas=2)
    asked = world.ask(busy)
    world.end_load()
    served(asked).gate.answered = True
    for _ in range(3):
        world.ask(busy)
    for _ in range(4):
        while not world.shell.loading:
            world.wait(0.5)
        world.crash(world.end_load())
    assert world.core.failures == {}


def test_an_order_for_which_nobody_has_left_is_no_heir(monkeypatch: pytest.MonkeyPatch) -> None:
    world, used, worn, order = World(), spec("used", 60), spec("worn", 40), spec("order", 60)
    world.hold(used)
    gate, close_if_idle = world.core.of(used.key)[0].gate, Gate.close_if_idle
    # Somebody takes a lease between the snapshot and the gate.
    monkeypatch.setattr(Gate, "close_if_idle", lambda self: self is not gate and close_if_idle(self))
    world.ask(order, within=1, lease=False, priority=PREFETCH)
    gate.enter(now=world.now)
    monkeypatch.undo()
    world.ask(worn)
    world.end_load()
    world.core.recycle(worn.key, reason="operator", now=world.now)
    world.wait(8)
    assert ("unload", "worn:1", "makes_room_for_its_successor") in world.shell.records


def test_an_order_whose_room_is_not_enough_any_more_goes_first_no_longer() -> None:
    world, used, idle, worn = World(), spec("used", 20), spec("idle", 40), spec("worn", 30)
    world.ask(used)
    world.end_load()
    world.hold(idle)
    world.ask(worn)
    world.end_load()
    world.ask(spec("order", 50), within=1, lease=False, priority=PREFETCH)
    assert world.states(idle) == [State.UNLOADING]
    world.core.remeasured(world.core.of(used.key)[0], measured=45)
    world.end_unloads()
    world.core.recycle(worn.key, reason="operator", now=world.now)
    world.wait(25)
    assert ("unload", "worn:1", "makes_room_for_its_successor") in world.shell.records


def test_what_fits_beside_a_load_that_waits_for_its_room_does_not_wait_with_it() -> None:
    world, large, small, late = World(), spec("large", 60), spec("small", 20), spec("late", 35)
    world.hold(spec("old", 70))
    world.ask(large, lease=False, priority=PREFETCH)
    world.wait(4)  # the old one's process does not end
    world.ask(late)
    world.ask(small)
    assert [replica.spec.key for replica in world.shell.loading] == [small.key]
    assert world.states(late) == [State.QUEUED], "it would be too much beside the large one"


def test_what_fits_beside_a_load_that_waits_for_a_long_lease_does_not_wait_with_it() -> None:
    world, used, large, small = World(), spec("used", 60), spec("large", 60), spec("small", 20)
    world.ask(used)
    world.end_load()
    world.ask(large, within=120)
    world.wait(8)
    assert world.states(used) == [State.DRAINING], "it lets nobody in, and goes on"
    world.ask(small)
    world.end_load()
    assert world.states(small) == [State.READY]
