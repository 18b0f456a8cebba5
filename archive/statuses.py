"""Status of a record and the changes it may go through; the database repeats both (a check and a trigger)."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    DRAFT = "draft"  # being written; not a result yet
    ACTIVE = "active"  # the current result
    FAILED = "failed"  # the work that should have filled it did not finish
    SUPERSEDED = "superseded"  # a newer record replaces it
    ARCHIVED = "archived"  # put away by its owner


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.DRAFT: frozenset({Status.ACTIVE, Status.FAILED, Status.ARCHIVED}),
    Status.ACTIVE: frozenset({Status.FAILED, Status.SUPERSEDED, Status.ARCHIVED}),
    Status.FAILED: frozenset({Status.ACTIVE, Status.ARCHIVED}),
    Status.SUPERSEDED: frozenset({Status.ARCHIVED}),
    Status.ARCHIVED: frozenset({Status.ACTIVE}),
}


def allowed(old: Status, new: Status) -> bool:
    """Whether a record may go from ``old`` to ``new``; staying is always allowed."""
    return old == new or new in TRANSITIONS[old]


# As the fields of serializers list them; the API document names the type by it.
CHOICES = [(status.value, status.value) for status in Status]
