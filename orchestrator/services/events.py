"""The decision log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from altlas.kernel import clock
from altlas.kernel.request_id import current_request_id
from orchestrator.models import CacheEvent


def event_record(
    *,
    kind: str,
    model: str = "",
    version: str = "",
    node: str = "",
    reason: str = "",
    inputs: Mapping[str, Any] | None = None,
    decision: Mapping[str, Any] | None = None,
    actor: str = "",
    at: datetime | None = None,
) -> CacheEvent:
    """Append one entry, in the caller's transaction when there is one."""
    return CacheEvent.objects.create(
        at=at or clock.now(),
        node=node[:128],
        kind=kind,
        model=model[:128],
        version=version[:64],
        reason=reason[:255],
        inputs=dict(inputs or {}),
        decision=dict(decision or {}),
        actor=actor,
        request_id=current_request_id(),
    )
