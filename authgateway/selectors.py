"""Reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery

from altlas.kernel.clock import now
from authgateway.conf import conf
from authgateway.keys import ring, rsa_key
from authgateway.models import ApiToken, LockedAccount, SecurityEvent, User
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


def api_tokens_of(user: User) -> QuerySet[ApiToken]:
    """Return the user's API tokens that still work, the newest first."""
    return ApiToken.objects.filter(user=user, revoked_at__isnull=True, expires_at__gt=now()).order_by("-created_at")


def locked_accounts() -> QuerySet[LockedAccount]:
    """Return the accounts whose logins were refused within the window and that were not unlocked since."""
    since = now() - timedelta(seconds=conf.login_window_seconds)
    own = SecurityEvent.objects.filter(user=OuterRef("pk"), last_at__gt=since)
    refused = own.filter(kind__in=["login_throttled", "spoofed_header"])
    return LockedAccount.objects.annotate(
        refused_at=Subquery(refused.order_by("-last_at").values("last_at")[:1]),
        refusals=Subquery(refused.order_by("-last_at").values("count")[:1]),
    ).filter(
        ~Exists(own.filter(kind="account_unlocked", last_at__gte=OuterRef("refused_at"))),
        refused_at__isnull=False,
    )


def jwks() -> dict[str, list[dict[str, str]]]:
    """Return the published keys: those that sign next, sign, and have signed what may still live."""
    held = ring.current()
    return {"keys": [rsa_key.jwk(key) for _, key in sorted(held.verifying.items())]}
