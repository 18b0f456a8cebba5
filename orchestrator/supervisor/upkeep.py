"""Upkeep of the pools: growing, shrinking and recycling replicas, by the rules of ``pools``. Owned by the core.

A worn replica is replaced availability first: its successor is loaded and warm before it lets nobody in any more. When
memory has no room for both, the old one leaves first and requests wait for the successor instead of failing.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from orchestrator.supervisor import policy, pools
from orchestrator.supervisor.backoff import Failure
from orchestrator.supervisor.policy import Verdict
from orchestrator.supervisor.pools import PoolView, WearView
from orchestrator.supervisor.replay import as_record
from orchestrator.supervisor.replica import BACKGROUND, Replica, Shell
from orchestrator.supervisor.spec import Key
from orchestrator.supervisor.states import ARRIVING, State

if TYPE_CHECKING:
    from orchestrator.supervisor.core import Core


_REST_SECONDS = 60.0


class Upkeep:
    def __init__(self, core: Core, shell: Shell) -> None:
        self._core = core
        self._shell = shell
        self._busy_since: dict[Key, float] = {}
        self._calm_since: dict[Key, float] = {}
        self._asked: dict[int, str] = {}
        self._given_up: dict[Key, float] = {}  # when a further process found no room
        # Of further processes: what serves is good, and not to be refused once it has gone because another failed.
        self.failures: dict[Key, Failure] = {}

    def ask_for(self, key: Key, reason: str, *, only: int | None = None) -> int:
        """Note that every ready replica of ``key``, or the one with the id ``only``, is to be replaced; return how
        many."""
        ready = [
            replica for replica in self._core.of(key) if replica.state is State.READY and only in (None, replica.id)
        ]
        self._asked |= {replica.id: reason for replica in ready}
        return len(ready)

    def tick(self, *, now: float) -> None:
        by_key: dict[Key, list[Replica]] = {}
        for replica in self._core.replicas.values():
            by_key.setdefault(replica.spec.key, []).append(replica)
        for key, replicas in by_key.items():
            self._scale(key, replicas, now)
            self._recycle(key, self._core.of(key), now)  # as it is now: scaling may have begun a load
        known: dict[Key, Any]
        for known in (self._busy_since, self._calm_since, self._given_up, self.failures):
            for key in known.keys() - by_key.keys():
                del known[key]
        self._asked = {number: why for number, why in self._asked.items() if number in self._core.replicas}
        self._make_room(now)

    def relieve(self, successor: Replica) -> None:
        """``successor`` is ready: the replica it replaces leaves."""
        old = self._core.replicas.get(successor.replaces or 0)
        successor.replaces = None
        if old is not None and old.state is State.READY:
            self._core.drain(old, kind="unload", reason="replaced", decision={"successor": successor.id})

    # --- how many ---------------------------------------------------------------------------------------------------
    def _scale(self, key: Key, replicas: list[Replica], now: float) -> None:
        ready = [replica for replica in replicas if replica.state is State.READY]
        if not ready or any(replica.replaces for replica in replicas):
            return
        limits = self._core.settings.pools
        view = self._view(key, ready, replicas, now)
        self._remember(self._busy_since, key, pools.is_busy(view, limits), now)
        self._remember(self._calm_since, key, pools.is_calm(view, limits), now)
        view = self._view(key, ready, replicas, now)
        action = pools.scale(view, limits)
        if action is None or self._core.pressure:
            return
        if action == pools.GROW and (self._rests(key, now) or self._backs_off(key, now)):
            return
        inputs = {"rule": "scale", "view": asdict(view), "limits": asdict(limits)}
        self._busy_since.pop(key, None)
        self._calm_since.pop(key, None)
        if action == pools.GROW:
            self._shell.record("grow", key, "busy", inputs, {"action": action})
            self._core.enqueue(ready[0].renewed, priority=BACKGROUND, now=now, extra=True).purpose = action
        else:
            least = min(ready, key=lambda replica: (replica.gate.leases, replica.gate.last_used))
            self._core.drain(least, kind="shrink", reason="idle", inputs=inputs, decision={"action": action})

    def _view(self, key: Key, ready: list[Replica], replicas: list[Replica], now: float) -> PoolView:
        return PoolView(
            ready=len(ready),
            arriving=sum(replica.state in ARRIVING for replica in replicas),
            leases=sum(replica.gate.leases for replica in ready),
            most=max(replica.spec.max_replicas for replica in ready),
            busy_seconds=now - self._busy_since.get(key, now),
            calm_seconds=now - self._calm_since.get(key, now),
        )

    def _rests(self, key: Key, now: float) -> bool:
        """Whether there was no room for a further process of ``key`` a moment ago: nothing is gained by asking, and
        writing it down, again and again."""
        return now - self._given_up.get(key, -_REST_SECONDS) < _REST_SECONDS

    def _backs_off(self, key: Key, now: float) -> bool:
        known = (self._core.failures.get(key), self.failures.get(key))
        return any(failure is not None and failure.blocks(now) for failure in known)

    @staticmethod
    def _remember(since: dict[Key, float], key: Key, true: bool, now: float) -> None:
        if true:
            since.setdefault(key, now)
        else:
            since.pop(key, None)

    # --- how old ----------------------------------------------------------------------------------------------------
    def _recycle(self, key: Key, replicas: list[Replica], now: float) -> None:
        if self._core.pressure:
            return  # no successor would be let in, and what is leaving would be missed
        if any(replica.state in ARRIVING for replica in replicas) or self._backs_off(key, now):
            return  # one of a version is away at a time
        for replica in replicas:
            if replica.state is not State.READY:
                continue
            reason, inputs, decision = self._worn(replica, now)
            if reason is not None and (replica.id in self._asked or not self._rests(key, now)):
                self._asked.pop(replica.id, None)
                self._shell.record("recycle", key, reason, inputs, decision)
                successor = self._core.enqueue(
                    replica.renewed, priority=BACKGROUND, now=now, extra=True, replaces=replica.id
                )
                successor.purpose = reason
                return

    def _worn(self, replica: Replica, now: float) -> tuple[str | None, dict[str, Any], dict[str, Any]]:
        asked = self._asked.get(replica.id)
        if asked is not None:
            return asked, {"replica": replica.id, "asked": asked}, {"reason": asked}
        limits = self._core.settings.recycling
        view = WearView(
            age=now - (replica.ready_at or now),
            uses=replica.gate.uses,
            growth=replica.charged - replica.ready_bytes,
            jitter=pools.jitter(replica.id),
            stale=replica.stale,
        )
        reason = pools.worn_out(view, limits)
        inputs = {"rule": "recycle", "replica": replica.id, "view": asdict(view), "limits": asdict(limits)}
        return reason, inputs, {"reason": reason}

    def _make_room(self, now: float) -> None:
        queued = [replica for replica in self._core.replicas.values() if replica.state is State.QUEUED]
        ahead = any(replica.heir or self._core.is_urgent(replica.spec.key) for replica in queued)
        for replica in queued:
            if not replica.extra or replica.short_since is None:
                continue
            if not self._core.has_slot:
                return  # with room it could not begin either
            need, short = self._core.need(replica.spec), now - replica.short_since
            snapshot = self._core.snapshot(now)
            decision = policy.make_room(snapshot, need=need, short_seconds=short, old=replica.replaces, ahead=ahead)
            if decision.verdict is Verdict.ADMIT:
                replica.short_since = None  # it is its turn, and not memory, that it waits for
            if decision.verdict in {Verdict.ADMIT, Verdict.WAIT}:
                continue
            inputs = {
                "rule": "make_room",
                "need": need,
                "short_seconds": short,
                "old": replica.replaces,
                "ahead": ahead,
                "snapshot": as_record(snapshot),
            }
            if decision.verdict is Verdict.REFUSE:
                self._given_up[replica.spec.key] = now
                self._core.give_up(replica, reason=decision.reason, inputs=inputs, decision=decision.as_dict())
            else:
                # From now on it is the version's only hope: it may evict like any other load, and goes before others.
                ahead = True
                replica.extra, replica.replaces = False, None
                self._core.inherit(replica, now)
                old = self._core.replicas[decision.victims[0]]
                self._core.drain(old, kind="unload", reason=decision.reason, inputs=inputs, decision=decision.as_dict())
