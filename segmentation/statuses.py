"""Status of a run and of its items, and the changes they may go through; the database repeats both."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    QUEUED = "queued"  # stored, waiting for a node
    RUNNING = "running"  # claimed by a node
    SUCCEEDED = "succeeded"  # every item has ended and at least one has segments
    FAILED = "failed"  # no item has segments
    CANCELLED = "cancelled"  # ended by its owner or an operator


TRANSITIONS: dict[Status, frozenset[Status]] = {
    # Queued to failed: no node took the run before its deadline.
    Status.QUEUED: frozenset({Status.RUNNING, Status.CANCELLED, Status.FAILED}),
    # Running to queued: the node that had claimed it is gone.
    Status.RUNNING: frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.QUEUED}),
    Status.SUCCEEDED: frozenset(),
    # A retry.
    Status.FAILED: frozenset({Status.QUEUED}),
    Status.CANCELLED: frozenset({Status.QUEUED}),
}
ENDED = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})


def allowed(old: Status, new: Status) -> bool:
    return new in TRANSITIONS[old]


# As the fields of serializers list them; the API document names the type by it.
CHOICES = [(status.value, status.value) for status in Status]
