"""Whose turn it is: the order of the loads that have not begun."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.supervisor.replica import PREFETCH, WAITING, Replica, Ticket
from orchestrator.supervisor.spec import Key


@dataclass(frozen=True, slots=True)
class Turn:
    """``since``: from when on it waits; ``urgent``: a request waits for it."""

    replica: Replica
    since: float
    urgent: bool


class Turns:
    def __init__(self) -> None:
        # The patience is with all who wait for a model, one after the other: their own deadlines may be shorter.
        self._waited_since: dict[Key, float] = {}

    def order(self, queued: Iterable[Replica], tickets: Iterable[Ticket]) -> list[Turn]:
        """Return the loads that have not begun, first to go first; ``tickets`` stand in the order in which they came.

        Only who waits now makes a load urgent: one whose callers have gone waits behind those that have some. An heir
        goes before who came after it, for the room that was made for it is not theirs.
        """
        waiting: dict[Key, float] = {}
        for ticket in tickets:
            if ticket.priority == WAITING:
                waiting.setdefault(ticket.spec.key, ticket.at)
        self._waited_since = urgent = {key: self._waited_since.get(key, at) for key, at in waiting.items()}

        def place(replica: Replica) -> tuple[int, float, int]:
            if replica.heir:
                return WAITING, replica.queued_at, replica.id
            priority = WAITING if replica.spec.key in urgent else max(PREFETCH, replica.priority)
            return priority, urgent.get(replica.spec.key, replica.queued_at), replica.id

        return [
            Turn(replica, urgent.get(replica.spec.key, replica.queued_at), replica.spec.key in urgent)
            for replica in sorted(queued, key=place)
        ]
