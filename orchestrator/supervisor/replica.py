"""What the core deals in: replicas, tickets of those who wait, and the world it acts upon."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from altlas.kernel.errors import AltlasError
from orchestrator.supervisor.gate import Gate
from orchestrator.supervisor.policy import Limits
from orchestrator.supervisor.pools import PoolLimits, RecycleLimits
from orchestrator.supervisor.spec import Key, VersionSpec
from orchestrator.supervisor.states import State, check

# Priorities of loads: somebody waits for it > asked for ahead of time > background.
WAITING, PREFETCH, BACKGROUND = 0, 1, 2


@dataclass(eq=False, slots=True)
class Replica:
    """One process, or the wish for one. ``replaces`` is the replica that leaves once this one is ready."""

    id: int
    spec: VersionSpec
    priority: int
    queued_at: float
    charged: int = 0
    state: State = State.NEW
    gate: Gate = field(default_factory=Gate)
    ready_at: float | None = None
    ready_bytes: int = 0
    pinned: bool = False
    wanted: bool = False  # asked for by an operator, so it is loaded also when no request waits
    extra: bool = False  # one more of what is there already: takes free memory only
    replaces: int | None = None
    heir: bool = False  # others have left for it: it goes first, and waits where another load would be refused
    room_until: float = 0.0  # until when their room is kept for it while it comes back
    short_since: float | None = None  # since when memory, and not a loading slot, is what it waits for
    newest: VersionSpec | None = None  # as the catalogue has it by now; what takes this one's place is made from it
    reason: str = ""
    purpose: str = ""  # what upkeep wanted it for: to grow the pool, or why another one is to be replaced
    crashed: bool = False
    proven: bool = False  # it has served, or stood, well enough for earlier failures to be forgotten

    @property
    def renewed(self) -> VersionSpec:
        """What another process for the same is to be: by the catalogue of now, and of no fewer bytes than this one
        took when it was ready."""
        found = self.newest or self.spec
        if found.runtime != self.spec.runtime:
            return found
        return replace(found, expected_bytes=max(found.expected_bytes, self.ready_bytes))

    @property
    def stale(self) -> bool:
        newest = self.newest or self.spec
        return (newest.runtime, newest.variant) != (self.spec.runtime, self.spec.variant)

    def move(self, state: State) -> None:
        self.state = check(self.state, state)


@dataclass(eq=False, kw_only=True, slots=True)
class Ticket:
    """A caller that waits for a model; exactly one of ``grant`` and ``refuse`` is called, once. ``at`` is when it was
    taken in."""

    spec: VersionSpec
    deadline: float
    grant: Callable[[Replica], bool]
    refuse: Callable[[AltlasError], None]
    priority: int = WAITING
    lease: bool = True
    at: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CoreSettings:
    """``overtake_seconds``: how long a load lets later ones begin before it; ``order_seconds``: how long one that was
    ordered, and that nobody waits for any more, is kept in the queue."""

    limits: Limits
    pools: PoolLimits = field(default_factory=PoolLimits)
    recycling: RecycleLimits = field(default_factory=RecycleLimits)
    parallel_loads: int = 2
    load_queue: int = 64
    overtake_seconds: float = 2.0
    order_seconds: float = 600.0
    backoff_seconds: float = 10.0
    proven_seconds: float = 60.0
    refusal_seconds: float = 1.0


class Shell(Protocol):
    """What the core asks of the world; none of these may block."""

    def start_load(self, replica: Replica) -> None: ...
    def start_unload(self, replica: Replica) -> None: ...
    def hurry(self, replica: Replica) -> None: ...
    def record(
        self, kind: str, key: Key, reason: str, inputs: Mapping[str, Any], decision: Mapping[str, Any]
    ) -> None: ...
