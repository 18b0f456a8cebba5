"""Writing history; always inside the transaction of what it tells about."""

from __future__ import annotations

from typing import Any

from altlas.coordination.models import JournalEntry
from altlas.kernel.clock import now


def note(subject: str, action: str, *, actor: str = "", **detail: Any) -> JournalEntry:
    return JournalEntry.objects.create(at=now(), subject=subject, action=action, actor=actor, detail=detail)


def of(subject: str) -> list[JournalEntry]:
    """Return the history of ``subject``, newest first."""
    return list(JournalEntry.objects.filter(subject=subject)[:200])
