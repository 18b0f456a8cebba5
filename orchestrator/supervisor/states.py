"""States of a replica and the moves between them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """A replica is one process that holds one model version.

    ``ready`` is published after the warm-up; ``draining`` is published before anything is taken away: from then on no
    new lease is given, and there is no way back.
    """

    NEW = "new"
    QUEUED = "queued"
    RESERVED = "reserved"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    DRAINING = "draining"
    UNLOADING = "unloading"
    GONE = "gone"
    FAILED = "failed"


TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    State.NEW: frozenset({State.QUEUED}),
    State.QUEUED: frozenset({State.RESERVED, State.GONE, State.FAILED}),
    State.RESERVED: frozenset({State.LOADING, State.FAILED, State.UNLOADING}),
    State.LOADING: frozenset({State.WARMING, State.READY, State.FAILED, State.UNLOADING}),
    State.WARMING: frozenset({State.READY, State.FAILED, State.UNLOADING}),
    State.READY: frozenset({State.DRAINING, State.FAILED}),
    State.DRAINING: frozenset({State.UNLOADING, State.FAILED}),
    State.UNLOADING: frozenset({State.GONE}),
    State.GONE: frozenset(),
    State.FAILED: frozenset({State.UNLOADING, State.GONE}),
}

# Bytes are charged from reservation until the process is gone.
CHARGED: Final = frozenset({State.RESERVED, State.LOADING, State.WARMING, State.READY, State.DRAINING, State.UNLOADING})
ARRIVING: Final = frozenset({State.NEW, State.QUEUED, State.RESERVED, State.LOADING, State.WARMING})
LEAVING: Final = frozenset({State.DRAINING, State.UNLOADING})


class IllegalTransition(RuntimeError):
    """A defect: the state machine was asked for a move that the table does not have."""


def check(old: State, new: State) -> State:
    if new not in TRANSITIONS[old]:
        raise IllegalTransition(f"{old} -> {new}")
    return new
