"""Reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F

from altlas.kernel.clock import now
from authgateway.keys import ring, rsa_key
from authgateway.models import User
from authgateway.services.sessions import live_sessions


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """A live session as its owner sees it."""

    id: UUID
    device_name: str
    user_agent: str
    created_at: datetime
    created_address: str | None
    last_used_at: datetime
    last_address: str | None
    expires_at: datetime
    amr: list[str]
    current: bool


def sessions_of(user: User, *, current: UUID | None = None) -> list[Session]:
    """Return the user's live sessions, the last used first. One query."""
    rows = (
        live_sessions(user, now())
        .annotate(
            last_used_at=F("tokens__created_at"), last_address=F("tokens__address"), expires_at=F("tokens__expires_at")
        )
        .order_by("-last_used_at")
    )
    return [
        Session(
            id=row.pk,
            device_name=row.device_name,
            user_agent=row.user_agent,
            created_at=row.created_at,
            created_address=row.address,
            last_used_at=row.last_used_at,
            last_address=row.last_address,
            expires_at=row.expires_at,
            amr=row.amr,
            current=row.pk == current,
        )
        for row in rows
    ]


def jwks() -> dict[str, list[dict[str, str]]]:
    """Return the published keys: those that sign next, sign, and have signed what may still live."""
    held = ring.current()
    return {"keys": [rsa_key.jwk(key) for _, key in sorted(held.verifying.items())]}
