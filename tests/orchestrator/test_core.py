"""The cache's core under a made-up clock: what one sequence of events must lead to."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from altlas.kernel.errors import AltlasError
from orchestrator.supervisor.core import WAITING, Core, CoreSettings, Replica, Ticket
from orchestrator.supervisor.policy import Limits
from orchestrator.supervisor.pools import RecycleLimits
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
    records: list[tuple[str, str, str]] = field(default_factory=list)

    def start_load(self, replica: Replica) -> None:
        self.loading.append(replica)

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
    (replica,) = world.core.of(old.key)
    replica.spec = spec("a", 60)
    world.core.recycle(old.key, reason="operator", now=world.now)
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
