"""Writing the audit trail; always inside the transaction of what it tells about."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from altlas.kernel.request_id import current_request_id
from archive.models import AuditEntry


def note(
    action: str, *, actor_id: UUID | None, owner_id: UUID, record_id: UUID | None = None, **detail: Any
) -> AuditEntry:
    return AuditEntry.objects.create(
        action=action,
        actor_id=actor_id,
        owner_id=owner_id,
        record_id=record_id,
        request_id=current_request_id(),
        detail=detail,
    )
