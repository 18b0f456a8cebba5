"""Opening and ending sessions (families). Lock order everywhere: user, then families by id."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from altlas.kernel.clock import now
from authgateway.binding import NONE, Binding, digest
from authgateway.caller import Caller
from authgateway.conf import conf
from authgateway.denylist import cache
from authgateway.models import ApiToken, Denial, Family, RefreshToken, SecurityEvent, User
from authgateway.services.security_events import event_record
from authgateway.tokens import refresh

Reason = Family.Reason


def idle_limit(user: User, moment: datetime) -> datetime:
    return moment + timedelta(seconds=conf.staff_idle_seconds if user.is_staff else conf.refresh_idle_seconds)


def absolute_limit(user: User, moment: datetime) -> datetime:
    return moment + timedelta(seconds=conf.staff_absolute_seconds if user.is_staff else conf.refresh_absolute_seconds)


def session_open(
    *,
    user: User,
    amr: Iterable[str],
    caller: Caller,
    binding: Binding = NONE,
    device_name: str = "",
    moment: datetime | None = None,
) -> tuple[Family, str]:
    """Open a session of ``user``, whose row the caller has locked; return it and its first refresh token.

    It is bound to the device cookie and the DPoP key of ``binding``, whichever there are.
    """
    moment = moment or now()
    _make_room(user, moment)
    family = Family.objects.create(
        user=user,
        auth_time=moment,
        amr=list(amr),
        created_at=moment,
        absolute_expires_at=absolute_limit(user, moment),
        device_name=device_name,
        device_hash=digest(binding.device) if binding.device else None,
        jkt=binding.jkt,
        user_agent=caller.user_agent,
        address=caller.address,
    )
    token = refresh.new()
    RefreshToken.objects.create(
        family=family,
        generation=0,
        token_hash=refresh.digest(token),
        created_at=moment,
        expires_at=min(idle_limit(user, moment), family.absolute_expires_at),
        address=caller.address,
    )
    return family, token


def _make_room(user: User, moment: datetime) -> None:
    live = live_sessions(user, moment).order_by("-created_at").values_list("id", flat=True)
    surplus = list(live[conf.sessions_per_user - 1 :])
    if surplus:
        sessions_revoke(families=Family.objects.filter(id__in=surplus), reason=Reason.LIMIT)


def live_sessions(user: User, moment: datetime) -> QuerySet[Family]:
    return Family.objects.filter(
        user=user,
        revoked_at__isnull=True,
        absolute_expires_at__gt=moment,
        tokens__used_at__isnull=True,
        tokens__expires_at__gt=moment,
    )


def sessions_revoke(
    *, families: QuerySet[Family], reason: Reason, actor: User | None = None, moment: datetime | None = None
) -> list[UUID]:
    """End ``families`` that are still open and refuse their access tokens at once; return their ids.

    The denylist rows are committed together with the revocation and are in Redis before this returns, if Redis
    answers; if not, the database refuses.
    """
    moment = moment or now()
    with transaction.atomic():
        found = list(
            families.filter(revoked_at__isnull=True)
            .order_by("id")
            .select_for_update(no_key=True, of=("self",))
            .values_list("id", "user_id")
        )
        ids = [family_id for family_id, _ in found]
        if not ids:
            return []
        Family.objects.filter(id__in=ids).update(revoked_at=moment, revoked_reason=reason)
        deny([(Denial.Kind.SID, str(family_id), user_id) for family_id, user_id in found], reason=reason, moment=moment)
        for family_id, user_id in found:
            event_record(
                kind="session_revoked",
                severity=SecurityEvent.Severity.INFO,
                user_id=user_id,
                actor=actor,
                family_id=family_id,
                detail={"reason": str(reason)},
            )
    return ids


def deny(entries: Iterable[tuple[str, str, UUID | None]], *, reason: str, moment: datetime) -> None:
    """Put (kind, value, user) on the denylist until the last token it covers has expired."""
    expires_at = moment + timedelta(seconds=conf.access_seconds + conf.clock_skew)
    rows = [
        Denial(kind=kind, value=value, user_id=user_id, reason=reason, created_at=moment, expires_at=expires_at)
        for kind, value, user_id in entries
    ]
    Denial.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["kind", "value"], update_fields=["expires_at", "reason"]
    )
    transaction.on_commit(partial(cache.put, [(row.kind, row.value, row.expires_at) for row in rows]))


def next_epoch(epoch: int, moment: datetime) -> int:
    """Return an epoch later than the `iat` of every token issued until ``moment``.

    `iat` counts whole seconds and is never before the epoch: repeated within one second, each call must still refuse
    what was issued since the one before.
    """
    return max(epoch, int(moment.timestamp())) + 1


def user_sessions_end(*, user: User, reason: Reason, actor: User | None = None) -> int:
    """End every session of ``user`` and refuse every token issued until now, those for scripts too.

    Returns how many sessions.
    """
    with transaction.atomic():
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        moment = now()
        locked.epoch = user.epoch = next_epoch(locked.epoch, moment)
        locked.save(update_fields=["epoch"])
        ApiToken.objects.filter(user=locked, revoked_at__isnull=True).update(revoked_at=moment)
        return len(
            sessions_revoke(families=Family.objects.filter(user=locked), reason=reason, actor=actor, moment=moment)
        )
