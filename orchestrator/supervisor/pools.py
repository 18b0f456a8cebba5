"""How many processes a version has, and when one is replaced: pure, recorded and replayable like the policy.

A version grows while its replicas have been busy for long, shrinks when one fewer would do, and a replica that is old,
much used or grown is replaced by a warm successor.
"""

from __future__ import annotations

from dataclasses import dataclass

GROW, SHRINK = "grow", "shrink"


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolLimits:
    """Leases per replica that count as busy, and for how many seconds they must last."""

    busy_leases: float = 4.0
    grow_seconds: float = 5.0
    shrink_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolView:
    """One version's replicas; ``busy_seconds`` and ``calm_seconds`` say how long it has been so without a break."""

    ready: int
    arriving: int
    leases: int
    most: int
    busy_seconds: float
    calm_seconds: float


def is_busy(view: PoolView, limits: PoolLimits) -> bool:
    return view.ready > 0 and view.leases >= limits.busy_leases * view.ready


def is_calm(view: PoolView, limits: PoolLimits) -> bool:
    # One fewer must do with room to spare, or the pool would grow and shrink in turns.
    return view.ready > 1 and view.leases <= limits.busy_leases * (view.ready - 1) / 2


def scale(view: PoolView, limits: PoolLimits) -> str | None:
    """Return ``grow``, ``shrink`` or None."""
    if view.arriving:
        return None
    if view.ready < view.most and is_busy(view, limits) and view.busy_seconds >= limits.grow_seconds:
        return GROW
    if view.ready > max(1, view.most) or (is_calm(view, limits) and view.calm_seconds >= limits.shrink_seconds):
        return SHRINK
    return None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecycleLimits:
    """When a replica has served its time; 0 is never. ``growth`` in bytes since it became ready."""

    age: float = 0.0
    uses: int = 0
    growth: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class WearView:
    age: float
    uses: int
    growth: int
    jitter: float
    stale: bool = False  # the catalogue has another runtime for it by now


def worn_out(view: WearView, limits: RecycleLimits) -> str | None:
    """Return why the replica is to be replaced, or None; ``jitter`` (about 1) keeps twins from ageing together."""
    if limits.age and view.age >= limits.age * view.jitter:
        return "age"
    if limits.uses and view.uses >= limits.uses * view.jitter:
        return "uses"
    if limits.growth and view.growth >= limits.growth:
        return "growth"
    return "runtime" if view.stale else None


def jitter(number: int) -> float:
    """Return a factor in 0.9 to 1.1 that is always the same for ``number`` (Knuth's multiplicative hash)."""
    return 0.9 + 0.2 * ((number * 2654435761) % 2**32) / 2**32
