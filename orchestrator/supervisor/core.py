"""The state of one node's cache and every change to it. No threads, no I/O, no clock: one owner calls it.

Loads and unloads are started through a ``Shell`` and come back as calls (``loaded``, ``load_failed``, ``exited``), so
the owner never waits for a model. Tests drive it with a fake shell and a made-up clock.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from altlas.kernel.errors import AltlasError
from orchestrator import exceptions
from orchestrator.supervisor import policy
from orchestrator.supervisor.backoff import Failure, next_failure
from orchestrator.supervisor.policy import ReplicaView, Snapshot, Verdict
from orchestrator.supervisor.replay import as_record
from orchestrator.supervisor.replica import BACKGROUND, PREFETCH, WAITING, CoreSettings, Replica, Shell, Ticket
from orchestrator.supervisor.spec import Key, VersionSpec
from orchestrator.supervisor.states import ARRIVING, CHARGED, LEAVING, State
from orchestrator.supervisor.turns import Turns
from orchestrator.supervisor.upkeep import Upkeep


class Core:
    def __init__(self, shell: Shell, settings: CoreSettings) -> None:
        self._shell = shell
        self.settings = settings
        self.replicas: dict[int, Replica] = {}
        self.tickets: list[Ticket] = []
        self.failures: dict[Key, Failure] = {}
        self.pressure = False
        self._refusals: dict[Key, tuple[float, Callable[[], AltlasError]]] = {}
        self._turns = Turns()
        self._ids = itertools.count(1)
        self._upkeep = Upkeep(self, shell)

    # --- reading ----------------------------------------------------------------------------------------------------
    def snapshot(self, now: float) -> Snapshot:
        # What is to be replaced stays, as if pinned when it is, until its successor has room beside it.
        replaced = {replica.replaces for replica in self.replicas.values() if replica.state in CHARGED}
        return Snapshot(
            limits=self.settings.limits,
            pressure=self.pressure,
            replicas=tuple(
                ReplicaView(
                    id=replica.id,
                    key=str(replica.spec.key),
                    state=replica.state,
                    bytes=replica.charged,
                    leases=replica.gate.leases,
                    idle_seconds=max(0.0, now - replica.gate.last_used),
                    resident_seconds=0.0 if replica.ready_at is None else max(0.0, now - replica.ready_at),
                    pinned=replica.pinned,
                    replaced=replica.id in replaced,
                )
                for replica in self.replicas.values()
                if replica.state in CHARGED
            ),
        )

    def held(self) -> set[Key]:
        """Return what a node that leaves service has to hand over."""
        return {replica.spec.key for replica in self.replicas.values() if replica.state in ARRIVING | {State.READY}}

    def of(self, key: Key) -> list[Replica]:
        return [replica for replica in self.replicas.values() if replica.spec.key == key]

    def need(self, spec: VersionSpec) -> int:
        """Return the bytes to reserve. What should fit, and grew beyond the budget when it was last here, is given all
        of it once more: what the new process takes is measured."""
        budget = self.settings.limits.budget
        return budget if 0 < spec.estimated_bytes <= budget < spec.expected_bytes else spec.expected_bytes

    @property
    def hungry(self) -> bool:
        """Whether a lease that ends now could let something go on."""
        return any(replica.state in {State.QUEUED, State.DRAINING} for replica in self.replicas.values())

    @property
    def has_slot(self) -> bool:
        """Whether one more load may be under way."""
        return self._loading() < self.settings.parallel_loads

    # --- what callers ask -------------------------------------------------------------------------------------------
    def acquire(self, ticket: Ticket, *, now: float) -> None:
        """Grant now, or load and grant later, or refuse."""
        key = ticket.spec.key
        ready = [replica for replica in self.of(key) if replica.state is State.READY]
        for replica in sorted(ready, key=lambda replica: replica.gate.leases):
            if self._grant(ticket, replica, now):
                return
        failure = self.failures.get(key)
        if failure is not None and failure.blocks(now):
            ticket.refuse(_as_error(key, failure, now))
            return
        refusal = self._refusals.get(key)
        if refusal is not None and now < refusal[0]:
            ticket.refuse(refusal[1]())
            return
        arriving = next((replica for replica in self.of(key) if replica.state in ARRIVING), None)
        if arriving is None:
            if self._queue_full(key):
                ticket.refuse(exceptions.LoadQueueFull("Too many models wait to be loaded; try again."))
                return
            arriving = self.enqueue(ticket.spec, priority=ticket.priority, now=now)
        if ticket.priority < arriving.priority:
            arriving.priority = ticket.priority
            if ticket.priority == WAITING and arriving.state is not State.QUEUED:
                self._shell.hurry(arriving)
        arriving.extra = False
        arriving.wanted = arriving.wanted or not ticket.lease
        ticket.at = now
        self.tickets.append(ticket)
        self.pump(now=now)

    def unload(self, key: Key, *, reason: str, now: float) -> int:
        """Drain every replica of ``key``; return how many. Those in use finish their work first."""
        found = 0
        for replica in self.of(key):
            if replica.state is State.READY:
                found += 1
                self.drain(replica, kind="unload", reason=reason)
            elif replica.state in ARRIVING:
                found += 1
                self._cancel(replica, reason=reason)
        self._refuse_waiting(key, lambda: exceptions.ModelUnavailable(f"{key} is being unloaded.", retry_after=1))
        self.pump(now=now)
        return found

    def cancel(self, key: Key, *, reason: str, now: float) -> int:
        """End the loads of ``key`` that are queued or under way, and those who wait for them; return how many."""
        arriving = [replica for replica in self.of(key) if replica.state in ARRIVING]
        for replica in arriving:
            self._cancel(replica, reason=reason)
        if arriving:
            self._refuse_waiting(
                key, lambda: exceptions.ModelUnavailable(f"The load of {key} was cancelled.", retry_after=1)
            )
        self.pump(now=now)
        return len(arriving)

    def recycle(
        self, key: Key, *, reason: str, now: float, only: int | None = None, spec: VersionSpec | None = None
    ) -> int:
        """Replace every ready replica of ``key``, one after the other, or the one with the id ``only``, by one of
        ``spec``; return how many."""
        for replica in self.of(key):
            replica.newest = spec or replica.newest
        found = self._upkeep.ask_for(key, reason, only=only)
        self._upkeep.tick(now=now)
        self.pump(now=now)
        return found

    def follow(self, model: str, *, pinned: bool, max_replicas: int, now: float) -> None:
        """Have every copy of ``model``, and those that replace or join it, do as the catalogue says now."""
        for replica in self.replicas.values():
            if replica.spec.key.model == model:
                replica.pinned = pinned
                replica.spec = replace(replica.spec, pinned=pinned, max_replicas=max_replicas)
                if replica.newest is not None:
                    replica.newest = replace(replica.newest, pinned=pinned, max_replicas=max_replicas)
        self.pump(now=now)

    def forgive(self, key: Key, *, now: float) -> None:
        """Let ``key`` be tried once more now: somebody has seen to it. How often it failed stays known, so that orders
        do not keep the wait after the next failure short."""
        for known in (self.failures, self._upkeep.failures):
            if (failure := known.get(key)) is not None:
                known[key] = replace(failure, until=now)

    # --- what the world reports -------------------------------------------------------------------------------------
    def progress(self, replica: Replica, stage: str) -> None:
        if stage == "warming" and replica.state is State.LOADING:
            replica.move(State.WARMING)

    def loaded(
        self, replica: Replica, *, measured: int, now: float, seconds: Mapping[str, float] | None = None
    ) -> bool:
        """The process is warm. Whoever waited for it is let in before anybody could evict it. ``seconds``: how long its
        parts took, for the log. Return whether it serves."""
        if replica.state not in {State.LOADING, State.WARMING}:
            return False  # cancelled meanwhile; its unload is under way
        if measured > self.settings.limits.budget:
            replica.charged = measured
            detail = (
                f"It holds {measured} bytes once it is loaded, and the node's budget is {self.settings.limits.budget}."
            )
            self.load_failed(replica, code="model_unloadable", detail=detail, permanent=True, now=now)
            return False
        told = {"measured_bytes": measured, **(seconds or {})}
        known = {"expected_bytes": replica.spec.expected_bytes, "purpose": replica.purpose}
        self._shell.record("ready", replica.spec.key, "loaded", known, told)
        replica.move(State.READY)
        replica.charged, replica.ready_at, replica.ready_bytes = measured, now, measured
        replica.gate.open(now=now)
        for ticket in [ticket for ticket in self.tickets if ticket.spec.key == replica.spec.key]:
            self.tickets.remove(ticket)
            self._grant(ticket, replica, now)
        self._upkeep.relieve(replica)
        self.pump(now=now)
        return True

    def remeasured(self, replica: Replica, *, measured: int) -> None:
        if replica.state in {State.READY, State.DRAINING}:
            replica.charged = measured

    def load_failed(self, replica: Replica, *, code: str, detail: str, permanent: bool, now: float) -> None:
        if replica.state in {State.UNLOADING, State.GONE, State.FAILED}:
            return  # it was told to go
        key = replica.spec.key
        failure = self._fail(replica, code=code, detail=detail, permanent=permanent, now=now)
        replica.move(State.FAILED)
        replica.reason = detail
        self._refuse_waiting(key, lambda: _as_error(key, failure, now))
        self._leave(replica)
        self.pump(now=now)

    def lost(self, replica: Replica) -> None:
        """The process does not answer any more and is about to be gone: nobody is sent to it from now on."""
        if replica.state in {State.READY, State.DRAINING}:
            replica.gate.close()
            replica.crashed = True
            replica.move(State.FAILED)
            replica.move(State.UNLOADING)

    def exited(self, replica: Replica, *, cause: str, now: float) -> None:
        """The process is gone and its memory is back."""
        self.lost(replica)
        if replica.crashed:
            self._shell.record(
                "crash", replica.spec.key, cause, {"leases": replica.gate.leases, "bytes": replica.charged}, {}
            )
            self._prove(replica, now)
            if not replica.proven:
                # Loading it was no success: for every request it would be loaded, and crash, again.
                detail = f"The process ended before it answered anything ({cause})."
                self._fail(replica, code="runner_crashed", detail=detail, permanent=False, now=now, grace=True)
        if replica.state in ARRIVING:
            detail = f"The process ended while loading ({cause})."
            self.load_failed(replica, code="runner_crashed", detail=detail, permanent=False, now=now)
        replica.move(State.GONE)
        self.replicas.pop(replica.id, None)
        self.pump(now=now)

    def tick(self, *, now: float) -> None:
        """Time has passed: deadlines, drains, watermarks."""
        for ticket in [ticket for ticket in self.tickets if ticket.deadline <= now]:
            self.tickets.remove(ticket)
            ticket.refuse(self._too_late(ticket.spec.key, now))
        waited_for = {ticket.spec.key for ticket in self.tickets}
        for replica in list(self.replicas.values()):
            if replica.state is State.QUEUED and replica.spec.key not in waited_for:
                if not replica.wanted:
                    self._cancel(replica, reason="nobody_waits")
                elif not replica.extra and now - replica.queued_at > self.settings.order_seconds:
                    self._cancel(replica, reason="no_room_in_time")
            self._prove(replica, now)
            if replica.heir and now >= replica.room_until and not self.pressure and not self._leaving():
                replica.heir = False  # what was freed for it is not enough any more: others go first again
        for known in (self.failures, self._upkeep.failures):
            for key in [key for key, failure in known.items() if failure.forgotten(now)]:
                del known[key]
        self._refusals = {key: entry for key, entry in self._refusals.items() if now < entry[0]}
        self._upkeep.tick(now=now)
        self.pump(now=now)

    def press(self, share: float, *, hard: float, now: float) -> None:
        """Take in how much of the machine's memory is used; above ``hard`` nothing new is let in."""
        pressure = policy.sheds(share, hard=hard, shedding=self.pressure)
        if pressure == self.pressure:
            return
        self._shell.record(
            "shed",
            Key("", ""),
            "hard_limit" if pressure else "recovered",
            {"rule": "pressure", "share": share, "hard": hard, "before": self.pressure},
            {"shedding": pressure},
        )
        self.pressure = pressure
        self.pump(now=now)

    # --- deciding ---------------------------------------------------------------------------------------------------
    def pump(self, *, now: float) -> None:
        """Do all that can be done now: finish drains, start loads in order, trim."""
        for replica in list(self.replicas.values()):
            if replica.state is State.DRAINING and replica.gate.close_if_idle():
                self._leave(replica)
        queued = [replica for replica in self.replicas.values() if replica.state is State.QUEUED]
        held_up = False
        kept = 0  # bytes that others are not to take
        for turn in self._turns.order(queued, self.tickets if queued else ()):
            replica, urgent, waited = turn.replica, turn.urgent, max(0.0, now - turn.since)
            if not self.has_slot:
                break
            if replica.state is not State.QUEUED or (kept and not self._fits_beside(kept, replica, now)):
                continue
            started = self._try_load(replica, may_evict=not held_up, urgent=urgent, waited=waited, now=now)
            if not started and replica.state is State.QUEUED and not self.pressure:
                # A smaller one may go first, but not for ever. What nobody waits for may find no room for long, as it
                # closes no model in use: it holds up others no longer than that.
                late = waited > self.settings.overtake_seconds
                if (urgent and late) or (replica.heir and now < replica.room_until):
                    kept += self.need(replica.spec)
                held_up = held_up or not late
        self._trim(now)

    def _try_load(self, replica: Replica, *, may_evict: bool, urgent: bool, waited: float, now: float) -> bool:
        need, growth = self.need(replica.spec), replica.extra and not replica.replaces
        for _round in range(len(self.replicas) + 1):
            snapshot = self.snapshot(now)
            decision = policy.admit(snapshot, need=need, waited=waited, urgent=urgent, growth=growth)
            inputs = {
                "rule": "admit",
                "need": need,
                "waited": waited,
                "urgent": urgent,
                "growth": growth,
                "snapshot": snapshot,
            }
            if replica.extra and decision.verdict is not Verdict.ADMIT:
                if replica.short_since is None:
                    replica.short_since = now
                return False  # upkeep sees to those that wait too long
            if decision.verdict is Verdict.REFUSE:
                if _holds_out(replica, decision) and not self._waited_for(replica.spec.key):
                    return False
                self._say(replica, "refuse", inputs, decision)
                self._refuse_load(replica, decision, now)
                return False
            if decision.verdict is Verdict.ADMIT:
                self._say(replica, "load", inputs, decision)
                replica.move(State.RESERVED)
                replica.charged = need
                replica.move(State.LOADING)
                self._shell.start_load(replica)
                return True
            if decision.verdict is Verdict.WAIT or not may_evict:
                return False
            inputs["wanted_by"] = str(replica.spec.key)
            left = [self._evict(self.replicas[victim], inputs, decision) for victim in decision.victims]
            if any(left) and not urgent:
                self.inherit(replica, now)
            if all(left):
                return False  # their bytes come back as `exited`
            # Somebody took a lease between the snapshot and the gate: decide again.
        return False

    def _trim(self, now: float) -> None:
        snapshot = self.snapshot(now)
        decision = policy.trim(snapshot)
        if decision is None:
            return
        for victim in decision.victims:
            self._evict(self.replicas[victim], {"rule": "trim", "snapshot": snapshot}, decision)

    def _evict(self, replica: Replica, inputs: Mapping[str, Any], decision: policy.Decision) -> bool:
        """Have it leave, and write it down under its own name: who looks for it later asks why it went."""
        if replica.state is not State.READY:
            return False
        if not replica.gate.close_if_idle():
            if decision.reason != "patience_is_over":
                return False
            replica.gate.close()  # those inside finish; it leaves with the last of them
        self._say(replica, "evict", inputs, decision)
        replica.move(State.DRAINING)
        replica.reason = decision.reason
        if not replica.gate.leases:
            self._leave(replica)
        return True

    def drain(
        self,
        replica: Replica,
        *,
        kind: str,
        reason: str,
        inputs: Mapping[str, Any] | None = None,
        decision: Mapping[str, Any] | None = None,
    ) -> None:
        """Let nobody in any more, and unload once those inside are done."""
        replica.gate.close()
        replica.move(State.DRAINING)
        replica.reason = reason
        seen = {"leases": replica.gate.leases, "bytes": replica.charged}
        self._shell.record(kind, replica.spec.key, reason, inputs or seen, decision or {})
        if replica.gate.close_if_idle():
            self._leave(replica)

    def _cancel(
        self,
        replica: Replica,
        *,
        reason: str,
        inputs: Mapping[str, Any] | None = None,
        decision: Mapping[str, Any] | None = None,
    ) -> None:
        seen = {"state": replica.state}
        self._shell.record("cancel", replica.spec.key, reason, inputs or seen, decision or {})
        replica.reason = reason
        if replica.state is State.QUEUED:
            replica.move(State.GONE)
            self.replicas.pop(replica.id, None)
        else:
            self._leave(replica)

    def _leave(self, replica: Replica) -> None:
        replica.move(State.UNLOADING)
        self._shell.start_unload(replica)

    # --- small steps ------------------------------------------------------------------------------------------------
    def enqueue(
        self, spec: VersionSpec, *, priority: int, now: float, extra: bool = False, replaces: int | None = None
    ) -> Replica:
        """Add the wish for one more process of ``spec``; ``pump`` sees to it."""
        replica = Replica(id=next(self._ids), spec=spec, priority=priority, queued_at=now, pinned=spec.pinned)
        replica.extra, replica.replaces = extra, replaces
        replica.wanted = extra
        self.replicas[replica.id] = replica
        replica.move(State.QUEUED)
        return replica

    def inherit(self, replica: Replica, now: float) -> None:
        """Note that others leave for a load that nobody waits for: what they give back is not for those behind it, or
        they would come back and have to leave again, for ever."""
        replica.heir, replica.room_until = True, now + _ROOM_KEPT_SECONDS

    def is_urgent(self, key: Key) -> bool:
        """Whether a request waits for it."""
        return any(ticket.spec.key == key and ticket.priority == WAITING for ticket in self.tickets)

    def forget(self, key: Key) -> None:
        """Forget how ``key`` failed: the catalogue does not have it any more."""
        self.failures.pop(key, None)

    def give_up(self, replica: Replica, *, reason: str, inputs: Mapping[str, Any], decision: Mapping[str, Any]) -> None:
        """Drop a load that nobody waits for."""
        self._cancel(replica, reason=reason, inputs=inputs, decision=decision)

    def _queue_full(self, key: Key) -> bool:
        # Successors and further copies wait for nobody's sake and turn nobody away.
        queued = sum(replica.state is State.QUEUED and not replica.extra for replica in self.replicas.values())
        if queued < self.settings.load_queue:
            return False
        inputs = {"rule": "queue", "queued": queued, "bound": self.settings.load_queue}
        self._shell.record("refuse", key, "load_queue_full", inputs, {"refused": True})
        return True

    def _fail(
        self, replica: Replica, *, code: str, detail: str, permanent: bool, now: float, grace: bool = False
    ) -> Failure:
        key = replica.spec.key
        serves = any(other.state is State.READY for other in self.of(key) if other is not replica)
        known = self._upkeep.failures if replica.extra and serves else self.failures
        before = known.get(key)
        failure = next_failure(
            before,
            code=code,
            detail=detail,
            permanent=permanent,
            now=now,
            first=self.settings.backoff_seconds,
            grace=grace,
        )
        known[key] = failure
        self._shell.record(
            "fail",
            key,
            code,
            {
                "rule": "backoff",
                "failed_before": before.attempts if before else 0,
                "permanent": permanent,
                "first_seconds": self.settings.backoff_seconds,
                "grace": grace,
                "detail": detail,
            },
            {"attempts": failure.attempts, "retry_after": failure.delay},
        )
        return failure

    def _prove(self, replica: Replica, now: float) -> None:
        """Forget, once for each replica, the failures before one that answered or stood for long."""
        if replica.proven or replica.ready_at is None:
            return
        if replica.gate.answered or now - replica.ready_at >= self.settings.proven_seconds:
            replica.proven = True
            self.failures.pop(replica.spec.key, None)
            if replica.extra:
                self._upkeep.failures.pop(replica.spec.key, None)

    def _grant(self, ticket: Ticket, replica: Replica, now: float) -> bool:
        if ticket.lease and not replica.gate.enter(now=now):
            return False
        replica.newest = ticket.spec
        if ticket.grant(replica):
            return True
        # The caller gave up in the meantime and will never leave.
        if ticket.lease:
            replica.gate.leave(now=now)
        return True

    def _refuse_load(self, replica: Replica, decision: policy.Decision, now: float) -> None:
        key, need = replica.spec.key, self.need(replica.spec)
        if not _holds_out(replica, decision):
            replica.move(State.GONE)
            self.replicas.pop(replica.id, None)
        detail = f"{key} needs {need} bytes of the node's {self.settings.limits.budget} ({decision.reason})."

        def error() -> AltlasError:
            if decision.reason == "never_fits":
                return exceptions.ModelUnloadable(detail)
            if decision.reason == "hard_limit":
                return exceptions.MemoryPressure(detail, retry_after=decision.retry_after)
            return exceptions.ModelUnavailable(detail, retry_after=decision.retry_after)

        # The same question within the second gets the same answer without deciding, and logging, again.
        self._refusals[key] = (now + self.settings.refusal_seconds, error)
        self._refuse_waiting(key, error)

    def _waited_for(self, key: Key) -> bool:
        return any(ticket.spec.key == key for ticket in self.tickets)

    def _refuse_waiting(self, key: Key, error: Callable[[], AltlasError]) -> None:
        for ticket in [ticket for ticket in self.tickets if ticket.spec.key == key]:
            self.tickets.remove(ticket)
            ticket.refuse(error())

    def _too_late(self, key: Key, now: float) -> AltlasError:
        states = _states(self.of(key))
        return exceptions.ModelUnavailable(f"{key} was not ready in time ({states}).", retry_after=2)

    def _leaving(self) -> bool:
        return any(replica.state in LEAVING for replica in self.replicas.values())

    def _fits_beside(self, kept: int, replica: Replica, now: float) -> bool:
        """Whether ``replica`` has room beside what stays and ``kept`` bytes for those before it."""
        snapshot = self.snapshot(now)
        return snapshot.used - snapshot.leaving + kept + self.need(replica.spec) <= snapshot.limits.budget

    def _loading(self) -> int:
        return sum(
            replica.state in {State.RESERVED, State.LOADING, State.WARMING} for replica in self.replicas.values()
        )

    def _say(self, replica: Replica, kind: str, inputs: Mapping[str, Any], decision: policy.Decision) -> None:
        """Write the decision down with all that it was made from, so that it can be made again."""
        inputs = {**inputs, "snapshot": as_record(inputs["snapshot"])}
        self._shell.record(kind, replica.spec.key, decision.reason, inputs, decision.as_dict())


# What unloads is gone in a fraction of this, if its process can be ended at all.
_ROOM_KEPT_SECONDS = 15.0


def _holds_out(replica: Replica, decision: policy.Decision) -> bool:
    """Whether a refused load stays in the queue: its predecessor left for it, and the pressure passes."""
    return replica.heir and decision.reason == "hard_limit"


def _as_error(key: Key, failure: Failure, now: float) -> AltlasError:
    if failure.until is None:
        return exceptions.ModelUnloadable(f"{key} cannot be loaded: {failure.detail}")
    return exceptions.ModelUnavailable(
        f"{key} failed {failure.attempts} times, last with: {failure.detail}",
        retry_after=failure.retry_after(now),
    )


def _states(replicas: Iterable[Replica]) -> str:
    return ", ".join(sorted({replica.state.value for replica in replicas})) or "not loaded"


__all__ = ["BACKGROUND", "PREFETCH", "WAITING", "Core", "CoreSettings", "Replica", "Shell", "Ticket"]
