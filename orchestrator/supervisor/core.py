"""The state of one node's cache and every change to it. No threads, no I/O, no clock: one owner calls it.

Loads and unloads are started through a ``Shell`` and come back as calls (``loaded``, ``load_failed``, ``exited``), so
the owner never waits for a model. Tests drive it with a fake shell and a made-up clock.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from altlas.kernel.errors import AltlasError
from orchestrator import exceptions
from orchestrator.supervisor import policy
from orchestrator.supervisor.backoff import Failure, next_failure
from orchestrator.supervisor.gate import Gate
from orchestrator.supervisor.policy import Limits, ReplicaView, Snapshot, Verdict
from orchestrator.supervisor.spec import Key, VersionSpec
from orchestrator.supervisor.states import ARRIVING, CHARGED, State, check

# Priorities of loads: somebody waits for it > asked for ahead of time > background.
WAITING, PREFETCH, BACKGROUND = 0, 1, 2


@dataclass(eq=False, slots=True)
class Replica:
    """One process, or the wish for one."""

    id: int
    spec: VersionSpec
    priority: int
    queued_at: float
    charged: int = 0
    state: State = State.NEW
    gate: Gate = field(default_factory=Gate)
    ready_at: float | None = None
    pinned: bool = False
    wanted: bool = False  # asked for by an operator, so it is loaded also when no request waits
    reason: str = ""
    crashed: bool = False

    def move(self, state: State) -> None:
        self.state = check(self.state, state)


@dataclass(eq=False, kw_only=True, slots=True)
class Ticket:
    """A caller that waits for a model; exactly one of ``grant`` and ``refuse`` is called, once."""

    spec: VersionSpec
    deadline: float
    grant: Callable[[Replica], bool]
    refuse: Callable[[AltlasError], None]
    priority: int = WAITING
    lease: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class CoreSettings:
    limits: Limits
    parallel_loads: int = 2
    load_queue: int = 64
    overtake_seconds: float = 2.0
    backoff_seconds: float = 10.0


class Shell(Protocol):
    """What the core asks of the world; none of these may block."""

    def start_load(self, replica: Replica) -> None: ...
    def start_unload(self, replica: Replica) -> None: ...
    def record(
        self, kind: str, key: Key, reason: str, inputs: Mapping[str, Any], decision: Mapping[str, Any]
    ) -> None: ...


class Core:
    def __init__(self, shell: Shell, settings: CoreSettings) -> None:
        self._shell = shell
        self.settings = settings
        self.replicas: dict[int, Replica] = {}
        self.tickets: list[Ticket] = []
        self.failures: dict[Key, Failure] = {}
        self._ids = itertools.count(1)

    # --- reading ----------------------------------------------------------------------------------------------------
    def snapshot(self, now: float) -> Snapshot:
        return Snapshot(
            limits=self.settings.limits,
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
                )
                for replica in self.replicas.values()
                if replica.state in CHARGED
            ),
        )

    def of(self, key: Key) -> list[Replica]:
        return [replica for replica in self.replicas.values() if replica.spec.key == key]

    @property
    def hungry(self) -> bool:
        """Whether a lease that ends now could let something go on."""
        return any(replica.state in {State.QUEUED, State.DRAINING} for replica in self.replicas.values())

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
        arriving = next((replica for replica in self.of(key) if replica.state in ARRIVING), None)
        if arriving is None:
            if sum(replica.state is State.QUEUED for replica in self.replicas.values()) >= self.settings.load_queue:
                ticket.refuse(exceptions.LoadQueueFull("Too many models wait to be loaded; try again."))
                return
            arriving = self._enqueue(ticket.spec, priority=ticket.priority, now=now)
        arriving.priority = min(arriving.priority, ticket.priority)
        arriving.wanted = arriving.wanted or not ticket.lease
        self.tickets.append(ticket)
        self.pump(now=now)

    def unload(self, key: Key, *, reason: str, now: float) -> int:
        """Drain every replica of ``key``; return how many. Those in use finish their work first."""
        found = 0
        for replica in self.of(key):
            if replica.state is State.READY:
                found += 1
                self._drain(replica, kind="unload", reason=reason, decision={})
            elif replica.state in ARRIVING:
                found += 1
                self._cancel(replica, reason=reason)
        self._refuse_waiting(key, lambda: exceptions.ModelUnavailable(f"{key} is being unloaded.", retry_after=1))
        self.pump(now=now)
        return found

    def pin(self, key: Key, pinned: bool, *, now: float) -> None:
        for replica in self.of(key):
            replica.pinned = pinned
        self.pump(now=now)

    def forgive(self, key: Key) -> None:
        """Forget that ``key`` failed: an operator has seen to it."""
        self.failures.pop(key, None)

    # --- what the world reports -------------------------------------------------------------------------------------
    def progress(self, replica: Replica, stage: str) -> None:
        if stage == "warming" and replica.state is State.LOADING:
            replica.move(State.WARMING)

    def loaded(self, replica: Replica, *, measured: int, now: float) -> None:
        """The process is warm. Whoever waited for it is let in before anybody could evict it."""
        if replica.state not in {State.LOADING, State.WARMING}:
            return  # cancelled meanwhile; its unload is under way
        replica.move(State.READY)
        replica.charged, replica.ready_at = measured, now
        self.failures.pop(replica.spec.key, None)
        replica.gate.open(now=now)
        for ticket in [ticket for ticket in self.tickets if ticket.spec.key == replica.spec.key]:
            self.tickets.remove(ticket)
            self._grant(ticket, replica, now)
        self.pump(now=now)

    def remeasured(self, replica: Replica, *, measured: int) -> None:
        if replica.state in {State.READY, State.DRAINING}:
            replica.charged = measured

    def load_failed(self, replica: Replica, *, code: str, detail: str, permanent: bool, now: float) -> None:
        if replica.state in {State.UNLOADING, State.GONE, State.FAILED}:
            return  # it was told to go
        key = replica.spec.key
        failure = next_failure(
            self.failures.get(key),
            code=code,
            detail=detail,
            permanent=permanent,
            now=now,
            first=self.settings.backoff_seconds,
        )
        self.failures[key] = failure
        replica.move(State.FAILED)
        replica.reason = detail
        self._shell.record(
            "fail",
            key,
            code,
            {"attempts": failure.attempts, "permanent": permanent},
            {"detail": detail, "retry_after": failure.retry_after(now)},
        )
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
            if replica.state is State.QUEUED and not replica.wanted and replica.spec.key not in waited_for:
                self._cancel(replica, reason="nobody_waits")
        self.pump(now=now)

    # --- deciding ---------------------------------------------------------------------------------------------------
    def pump(self, *, now: float) -> None:
        """Do all that can be done now: finish drains, start loads in order, trim."""
        for replica in list(self.replicas.values()):
            if replica.state is State.DRAINING and replica.gate.close_if_idle():
                self._leave(replica)
        queue = sorted(
            (replica for replica in self.replicas.values() if replica.state is State.QUEUED),
            key=lambda replica: (replica.priority, replica.queued_at, replica.id),
        )
        held_up = False
        for replica in queue:
            if self._loading() >= self.settings.parallel_loads:
                break
            if replica.state is not State.QUEUED:
                continue
            started = self._try_load(replica, may_evict=not held_up, now=now)
            if not started and replica.state is State.QUEUED:
                # A smaller one may go first, but not for ever.
                if now - replica.queued_at > self.settings.overtake_seconds:
                    break
                held_up = True
        self._trim(now)

    def _try_load(self, replica: Replica, *, may_evict: bool, now: float) -> bool:
        need = replica.spec.expected_bytes
        for _round in range(len(self.replicas) + 1):
            snapshot = self.snapshot(now)
            decision = policy.admit(snapshot, need=need)
            if decision.verdict is Verdict.REFUSE:
                self._say(replica, "refuse", snapshot, need, decision)
                self._refuse_load(replica, decision, now)
                return False
            if decision.verdict is Verdict.ADMIT:
                self._say(replica, "load", snapshot, need, decision)
                replica.move(State.RESERVED)
                replica.charged = need
                replica.move(State.LOADING)
                self._shell.start_load(replica)
                return True
            if decision.verdict is Verdict.WAIT or not may_evict:
                return False
            self._say(replica, "evict", snapshot, need, decision)
            closed = [self._evict(self.replicas[victim], decision.reason) for victim in decision.victims]
            if all(closed):
                return False  # their bytes come back as `exited`
            # Somebody took a lease between the snapshot and the gate: decide again.
        return False

    def _trim(self, now: float) -> None:
        decision = policy.trim(self.snapshot(now))
        if decision is None:
            return
        snapshot = self.snapshot(now)
        first = self.replicas[decision.victims[0]]
        self._say(first, "evict", snapshot, 0, decision)
        for victim in decision.victims:
            self._evict(self.replicas[victim], decision.reason)

    def _evict(self, replica: Replica, reason: str) -> bool:
        if replica.state is not State.READY or not replica.gate.close_if_idle():
            return False
        replica.move(State.DRAINING)
        replica.reason = reason
        self._leave(replica)
        return True

    def _drain(self, replica: Replica, *, kind: str, reason: str, decision: Mapping[str, Any]) -> None:
        replica.gate.close()
        replica.move(State.DRAINING)
        replica.reason = reason
        self._shell.record(
            kind, replica.spec.key, reason, {"leases": replica.gate.leases, "bytes": replica.charged}, decision
        )
        if replica.gate.close_if_idle():
            self._leave(replica)

    def _cancel(self, replica: Replica, *, reason: str) -> None:
        self._shell.record("cancel", replica.spec.key, reason, {"state": replica.state}, {})
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
    def _enqueue(self, spec: VersionSpec, *, priority: int, now: float) -> Replica:
        replica = Replica(id=next(self._ids), spec=spec, priority=priority, queued_at=now, pinned=spec.pinned)
        self.replicas[replica.id] = replica
        replica.move(State.QUEUED)
        return replica

    def _grant(self, ticket: Ticket, replica: Replica, now: float) -> bool:
        if ticket.lease and not replica.gate.enter(now=now):
            return False
        if ticket.grant(replica):
            return True
        # The caller gave up in the meantime and will never leave.
        if ticket.lease:
            replica.gate.leave(now=now)
        return True

    def _refuse_load(self, replica: Replica, decision: policy.Decision, now: float) -> None:
        key, need = replica.spec.key, replica.spec.expected_bytes
        replica.move(State.GONE)
        self.replicas.pop(replica.id, None)
        detail = f"{key} needs {need} bytes of the node's {self.settings.limits.budget} ({decision.reason})."
        if decision.reason == "never_fits":
            self._refuse_waiting(key, lambda: exceptions.ModelUnloadable(detail))
        else:
            self._refuse_waiting(key, lambda: exceptions.ModelUnavailable(detail, retry_after=decision.retry_after))

    def _refuse_waiting(self, key: Key, error: Callable[[], AltlasError]) -> None:
        for ticket in [ticket for ticket in self.tickets if ticket.spec.key == key]:
            self.tickets.remove(ticket)
            ticket.refuse(error())

    def _too_late(self, key: Key, now: float) -> AltlasError:
        states = _states(self.of(key))
        return exceptions.ModelUnavailable(f"{key} was not ready in time ({states}).", retry_after=2)

    def _loading(self) -> int:
        return sum(
            replica.state in {State.RESERVED, State.LOADING, State.WARMING} for replica in self.replicas.values()
        )

    def _say(self, replica: Replica, kind: str, snapshot: Snapshot, need: int, decision: policy.Decision) -> None:
        """Write the decision down with all that it was made from, so that it can be made again."""
        self._shell.record(
            kind,
            replica.spec.key,
            decision.reason,
            {"need": need, "snapshot": as_record(snapshot)},
            decision.as_dict(),
        )


def as_record(snapshot: Snapshot) -> dict[str, Any]:
    limits = snapshot.limits
    return {
        "limits": {name: getattr(limits, name) for name in limits.__slots__},
        "used": snapshot.used,
        "replicas": [{name: getattr(view, name) for name in view.__slots__} for view in snapshot.replicas],
    }


def from_record(record: Mapping[str, Any]) -> Snapshot:
    """Return the snapshot that ``as_record`` wrote."""
    return Snapshot(
        limits=Limits(**record["limits"]),
        replicas=tuple(ReplicaView(**{**view, "state": State(view["state"])}) for view in record["replicas"]),
    )


def _as_error(key: Key, failure: Failure, now: float) -> AltlasError:
    if failure.until is None:
        return exceptions.ModelUnloadable(f"{key} cannot be loaded: {failure.detail}")
    return exceptions.ModelUnavailable(
        f"{key} failed to load {failure.attempts} times, last with: {failure.detail}",
        retry_after=failure.retry_after(now),
    )


def _states(replicas: Iterable[Replica]) -> str:
    return ", ".join(sorted({replica.state.value for replica in replicas})) or "not loaded"
