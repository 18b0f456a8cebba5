"""Writes of the archive, one function per verb. Each opens its own transaction and leaves its audit row in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7
from archive import audit, cache, validation
from archive.deadlines import write
from archive.exceptions import (
    RecordExists,
    RecordNotFound,
    RecordOnHold,
    TransitionNotAllowed,
    VersionMismatch,
)
from archive.models import Record, RecordRevision
from archive.statuses import TRANSITIONS, Status, allowed

# Members that an edit may change; a revision keeps the value that each had before.
EDITABLE = ("kind", "status", "title", "text", "payload", "tags", "language", "success_rate")


def record_create(
    *,
    owner_id: UUID,
    kind: str,
    title: str,
    text: str,
    payload: dict[str, Any],
    tags: Sequence[str] = (),
    language: str = "",
    success_rate: float | None = None,
    source_run_id: UUID | None = None,
    embedding: Sequence[float] | None = None,
    status: str = "active",
    record_id: UUID | None = None,
    actor_id: UUID | None = None,
) -> Record:
    """Store one record and return it.

    With ``record_id`` the call may be repeated: when the owner already has that record, it is returned as it is.

    Raises:
        InvalidRecord: a member cannot be stored; all faults are listed.
        RecordExists: ``record_id`` belongs to another owner's record.
    """
    members: dict[str, Any] = {
        "kind": kind,
        "status": status,
        "title": title,
        "text": text,
        "payload": payload,
        "tags": unique(tags),
        "language": language,
        "success_rate": success_rate,
        "embedding": None if embedding is None else [float(number) for number in embedding],
    }
    validation.check(members)
    moment = now()
    record = Record(
        id=record_id or uuid7(),
        owner_id=owner_id,
        source_run_id=source_run_id,
        created_at=moment,
        updated_at=moment,
        **members,
    )
    try:
        with write():
            record.save(force_insert=True)
            audit.note("record_create", actor_id=actor_id or owner_id, owner_id=owner_id, record_id=record.pk)
            cache.invalidate(owner_id)
    except IntegrityError:
        existing = None if record_id is None else Record.objects.filter(pk=record_id).first()
        if existing is None:
            raise
        if existing.owner_id != owner_id:
            raise RecordExists("This record id is already in use.") from None
        return existing
    return record


def record_update(
    *,
    record_id: UUID,
    owner_id: UUID | None,
    changes: Mapping[str, Any],
    actor_id: UUID | None = None,
    if_match: frozenset[int] | None = None,
) -> Record:
    """Change members of a record and keep what they were as a revision; no change, no new version.

    ``owner_id`` None reaches every owner's records (for callers that hold that right).

    Raises:
        RecordNotFound, InvalidRecord
        VersionMismatch: the record has a version that is not in ``if_match``.
        TransitionNotAllowed: the status may not change so.
    """
    unknown = set(changes) - set(EDITABLE)
    if unknown:
        raise TypeError(f"not editable: {', '.join(sorted(unknown))}")
    changes = {**changes, "tags": unique(changes["tags"])} if "tags" in changes else dict(changes)
    validation.check(changes)
    with write():
        record = _locked(record_id, owner_id, if_match)
        changed = [name for name, value in changes.items() if getattr(record, name) != value]
        if not changed:
            return record
        if "status" in changed:
            _check_transition(record.status, changes["status"])
        RecordRevision.objects.create(
            record=record,
            version=record.version,
            replaced_by_id=actor_id or record.owner_id,
            **{name: getattr(record, name) for name in EDITABLE},
        )
        if {"title", "text"} & set(changed):
            # The vector tells about a text that is gone; whoever made it must make it again.
            record.embedding = None
            changed.append("embedding")
        for name in changes:
            setattr(record, name, changes[name])
        _save(record, *changed)
        _note("record_update", record, actor_id, members=sorted(changed))
    return record


def record_delete(
    *,
    record_id: UUID,
    owner_id: UUID | None,
    actor_id: UUID | None = None,
    if_match: frozenset[int] | None = None,
) -> Record:
    """Put a record away so that no list, search or count finds it; ``record_restore`` brings it back.

    Raises:
        RecordNotFound, VersionMismatch
        RecordOnHold: somebody has put the record on hold.
    """
    with write():
        record = _locked(record_id, owner_id, if_match)
        if record.on_hold:
            raise RecordOnHold("The record is on hold and stays until the hold is lifted.")
        record.deleted_at = now()
        _save(record, "deleted_at")
        _note("record_delete", record, actor_id)
    return record


def record_restore(*, record_id: UUID, owner_id: UUID | None, actor_id: UUID | None = None) -> Record:
    """Bring a deleted record back exactly as it was; a record that is not deleted is returned as it is.

    Raises:
        RecordNotFound
    """
    with write():
        record = _locked(record_id, owner_id, None, deleted=True)
        if record.deleted_at is None:
            return record
        record.deleted_at = None
        _save(record, "deleted_at")
        _note("record_restore", record, actor_id)
    return record


def record_hold(*, record_id: UUID, on_hold: bool, actor_id: UUID | None) -> Record:
    """Set or lift the hold of a record.

    Raises:
        RecordNotFound: also for a deleted record, which is to be restored first.
    """
    with write():
        record = _locked(record_id, None, None)
        if record.on_hold != on_hold:
            record.on_hold = on_hold
            _save(record, "on_hold")
            _note("record_hold" if on_hold else "record_unhold", record, actor_id)
    return record


def unique(tags: Sequence[str]) -> list[str]:
    """Return the tags without surrounding space and without repetition, in the order given."""
    return list(dict.fromkeys(tag.strip() for tag in tags))


def _locked(
    record_id: UUID, owner_id: UUID | None, if_match: frozenset[int] | None, *, deleted: bool = False
) -> Record:
    found = Record.objects.select_for_update(of=("self",)).filter(pk=record_id)
    if owner_id is not None:
        found = found.filter(owner_id=owner_id)
    if not deleted:
        found = found.alive()
    record = found.first()
    if record is None:
        raise RecordNotFound("There is no such record.")
    if if_match is not None and record.version not in if_match:
        raise VersionMismatch(f"The record is at version {record.version} now; read it again before changing it.")
    return record


def _check_transition(old: str, new: str) -> None:
    if not allowed(Status(old), Status(new)):
        choices = ", ".join(sorted(TRANSITIONS[Status(old)]))
        raise TransitionNotAllowed(f"A record that is {old} can become {choices}; not {new}.")


def _save(record: Record, *names: str) -> None:
    record.version += 1
    record.updated_at = now()
    record.save(update_fields=[*names, "version", "updated_at"])
    cache.invalidate(record.owner_id)


def _note(action: str, record: Record, actor_id: UUID | None, **detail: Any) -> None:
    audit.note(
        action,
        actor_id=actor_id or record.owner_id,
        owner_id=record.owner_id,
        record_id=record.pk,
        version=record.version,
        **detail,
    )
