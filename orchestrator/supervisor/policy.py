"""Admission and eviction: pure functions from a snapshot to a decision, recorded and replayable.

Eviction is by least recent real use. What is pinned or younger than the minimum residency is never chosen, and what
has a lease is never unloaded: at most it lets nobody in any more, so that a load which has waited out the patience
gets its turn once those inside are done. Requests for one model are so served together (ABCABC becomes AABBCC), and
nobody waits for ever. Bytes that are still leaving stay charged: a load waits for them rather than evicting one more,
unless those who use what is leaving take long.

The high watermark keeps room for the next load, at the price of what has not been used for a while. It never takes the
last model, which would make room for nobody, and models in turn use may fill the whole budget: otherwise two of 48 %
would evict each other for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from orchestrator.supervisor.states import CHARGED, LEAVING, State


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicaView:
    """One replica as the policy sees it; times are seconds before the snapshot."""

    id: int
    key: str
    state: State
    bytes: int
    leases: int
    idle_seconds: float
    resident_seconds: float
    pinned: bool
    replaced: bool = False  # its successor is being loaded: it leaves as soon as that is ready


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Bytes, shares of them, and seconds; ``high_idle``: how long the high watermark spares what was used."""

    budget: int
    high: float = 0.95
    low: float = 0.85
    high_idle: float = 0.0
    min_residency: float = 0.0
    keep_alive: float = 0.0
    patience: float = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """All that a decision depends on; ``pressure``: the machine's memory is above the hard limit."""

    limits: Limits
    replicas: tuple[ReplicaView, ...]
    pressure: bool = False

    @property
    def used(self) -> int:
        return sum(replica.bytes for replica in self.replicas if replica.state in CHARGED)

    @property
    def leaving(self) -> int:
        return sum(replica.bytes for replica in self.replicas if replica.state in LEAVING)

    @property
    def lingering(self) -> int:
        """Bytes that leave only when somebody who uses them is done."""
        return sum(replica.bytes for replica in self.replicas if replica.state is State.DRAINING and replica.leases)

    @property
    def unmovable(self) -> int:
        """Pinned bytes that stay: what is leaving, or goes once its successor is ready, makes room, pinned or not."""
        return sum(
            view.bytes
            for view in self.replicas
            if view.pinned and view.state in CHARGED - LEAVING and not view.replaced
        )


class Verdict(StrEnum):
    ADMIT = "admit"
    EVICT = "evict"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """``victims`` are replica ids, first to go first; ``retry_after`` in seconds when waiting may help."""

    verdict: Verdict
    reason: str
    victims: tuple[int, ...] = ()
    retry_after: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def admit(snapshot: Snapshot, *, need: int, waited: float = 0.0, urgent: bool = True, growth: bool = False) -> Decision:
    """Decide whether ``need`` bytes may be reserved now, and what has to go first.

    ``waited`` is how long this load has been waiting, in seconds. Only for an ``urgent`` one, which a request waits
    for, what is in use lets nobody in any more. ``growth``, one more of what is there, stays below the high watermark:
    what it took beyond that, others would have to leave for.
    """
    limits = snapshot.limits
    if need > limits.budget:
        return Decision(verdict=Verdict.REFUSE, reason="never_fits")
    if need > limits.budget - snapshot.unmovable:
        return Decision(verdict=Verdict.REFUSE, reason="pinned_models_leave_no_room", retry_after=30.0)
    if snapshot.pressure:
        return Decision(verdict=Verdict.REFUSE, reason="hard_limit", retry_after=2.0)
    if growth and snapshot.used + need > limits.high * limits.budget:
        return Decision(verdict=Verdict.WAIT, reason="no_free_memory")
    missing = snapshot.used + need - limits.budget
    if missing <= 0:
        return Decision(verdict=Verdict.ADMIT, reason="fits")
    missing -= snapshot.leaving
    if missing <= 0:
        if snapshot.lingering and waited >= limits.patience + _LINGER_SECONDS:
            victims = _least_recent(snapshot, at_least=missing + snapshot.lingering)
            if victims:
                return Decision(verdict=Verdict.EVICT, reason="what_leaves_is_in_use", victims=victims)
        return Decision(verdict=Verdict.WAIT, reason="memory_is_being_freed")
    victims = _least_recent(snapshot, at_least=missing)
    if victims is not None:
        return Decision(verdict=Verdict.EVICT, reason="least_recently_used", victims=victims)
    if urgent and waited >= limits.patience:
        victims = _least_recent(snapshot, at_least=missing, leased=True)
        if victims is not None:
            return Decision(verdict=Verdict.EVICT, reason="patience_is_over", victims=victims)
    return Decision(verdict=Verdict.WAIT, reason="everything_is_in_use_or_too_young", retry_after=_soonest(snapshot))


def make_room(snapshot: Snapshot, *, need: int, short_seconds: float, old: int | None, ahead: bool = False) -> Decision:
    """Decide what a load that takes free memory only does when it finds none: wait, have ``old``, the replica that it
    is to replace, leave before it, or give up.

    ``short_seconds`` is how long it has been short of memory. With ``ahead`` others wait for memory too, and go first:
    the room that is made now would be theirs.
    """
    if admit(snapshot, need=need, growth=old is None).verdict is Verdict.ADMIT:
        return Decision(verdict=Verdict.ADMIT, reason="fits")
    if ahead or snapshot.pressure or short_seconds < _ROOM_SECONDS:
        return Decision(verdict=Verdict.WAIT, reason="room_may_come")
    found = next((view for view in snapshot.replicas if view.id == old and view.state is State.READY), None)
    if found is None or need > snapshot.limits.budget - snapshot.unmovable + (found.bytes if found.pinned else 0):
        return Decision(verdict=Verdict.REFUSE, reason="no_room")
    return Decision(verdict=Verdict.EVICT, reason="makes_room_for_its_successor", victims=(found.id,))


def trim(snapshot: Snapshot) -> Decision | None:
    """Return what should leave in the background: idle beyond the keep-alive, above the high watermark, or one by one
    while the machine is above the hard limit."""
    limits = snapshot.limits
    if limits.keep_alive > 0:
        stale = [view for view in _evictable(snapshot) if view.idle_seconds >= limits.keep_alive]
        if stale:
            return Decision(verdict=Verdict.EVICT, reason="keep_alive", victims=tuple(view.id for view in stale))
    # What leaves only when a long lease ends helps nobody now.
    if snapshot.pressure and snapshot.leaving <= snapshot.lingering and (idle := _evictable(snapshot)):
        return Decision(verdict=Verdict.EVICT, reason="hard_limit", victims=(idle[0].id,))
    stay = [view for view in snapshot.replicas if view.state in CHARGED - LEAVING]
    staying = sum(view.bytes for view in stay)
    if staying > limits.budget:
        victims = _least_recent(snapshot, at_least=staying - limits.budget, all_if_short=True)
        if victims:
            return Decision(verdict=Verdict.EVICT, reason="over_budget", victims=victims)
    staying -= sum(view.bytes for view in stay if view.replaced)
    if staying > limits.high * limits.budget:
        # Down to the low mark, not just below the high one: otherwise every further byte evicts again.
        victims = _least_recent(
            snapshot, at_least=int(staying - limits.low * limits.budget), all_if_short=True, idle=limits.high_idle
        )
        if victims and len(victims) == len(stay):
            victims = victims[:-1]
        if victims:
            return Decision(verdict=Verdict.EVICT, reason="high_watermark", victims=victims)
    return None


def _evictable(snapshot: Snapshot, *, leased: bool = False, idle: float = 0.0) -> list[ReplicaView]:
    found = [
        view
        for view in snapshot.replicas
        if view.state is State.READY
        and (leased or view.leases == 0)
        and not view.pinned
        and view.resident_seconds >= snapshot.limits.min_residency
        and view.idle_seconds >= idle
    ]
    return sorted(found, key=lambda view: (view.leases > 0, -view.idle_seconds, view.id))


def _least_recent(
    snapshot: Snapshot, *, at_least: int, all_if_short: bool = False, leased: bool = False, idle: float = 0.0
) -> tuple[int, ...] | None:
    chosen: list[int] = []
    freed = 0
    for view in _evictable(snapshot, leased=leased, idle=idle):
        if freed >= at_least:
            break
        chosen.append(view.id)
        freed += view.bytes
    return tuple(chosen) if freed >= at_least or all_if_short else None


def _soonest(snapshot: Snapshot) -> float:
    """Return the seconds until something that is only too young may leave; 1 when leases are in the way."""
    young: Iterable[float] = (
        snapshot.limits.min_residency - view.resident_seconds
        for view in snapshot.replicas
        if view.state is State.READY and view.leases == 0 and not view.pinned
    )
    return max(0.05, min((seconds for seconds in young if seconds > 0), default=1.0))


_RECOVERY = 0.05
# What is leaving while somebody uses it is waited for this much longer than the patience.
_LINGER_SECONDS = 5.0
# A successor that found no room for so long makes its room from the one it replaces.
_ROOM_SECONDS = 5.0


def sheds(share: float, *, hard: float, shedding: bool) -> bool:
    """Whether new work is refused while ``share`` of the machine's memory is in use: from ``hard`` on, until 5
    hundredths below it."""
    return share >= (hard - _RECOVERY if shedding else hard)
