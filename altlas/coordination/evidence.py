"""The status of a work item from its evidence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from altlas.coordination.statuses import ItemStatus

Verdict = Literal["green", "red", "unclear", "pending"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """The newest word of one source: a verification, the tests, a person. ``at`` None: it has never spoken."""

    source: str
    verdict: Verdict = "pending"
    at: datetime | None = None
    figure: str = ""
    command: str = ""
    reasons: tuple[str, ...] = ()
    drill: bool = False
    link: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Derived:
    status: ItemStatus
    why: str


def derive(pieces: Sequence[Piece], *, now: datetime, fresh_for: timedelta) -> Derived:
    """Return the status that ``pieces`` add up to; ``pieces`` holds one for every source that must speak."""
    red = [piece for piece in pieces if piece.verdict == "red"]
    if red:
        reason = "; ".join(red[0].reasons) or "red"
        return Derived(status=ItemStatus.FAILING, why=f"{red[0].source}: {reason}")
    spoken = [piece for piece in pieces if piece.at is not None]
    green = [piece for piece in spoken if piece.verdict == "green"]
    old = [piece for piece in green if piece.at is not None and now - piece.at > fresh_for]
    if pieces and len(green) == len(pieces):
        if old:
            return Derived(status=ItemStatus.STALE, why=f"{old[0].source} is of {old[0].at:%Y-%m-%d %H:%M}")
        return Derived(status=ItemStatus.VERIFIED, why=f"{len(green)} of {len(pieces)} green")
    if spoken:
        return Derived(status=ItemStatus.IN_PROGRESS, why=f"{len(green)} of {len(pieces)} green")
    return Derived(status=ItemStatus.NOT_STARTED, why="no evidence yet")
