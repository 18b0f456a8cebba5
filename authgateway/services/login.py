"""Logging in, and logging in again."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction

from altlas.kernel.clock import now
from authgateway import metrics
from authgateway.binding import NONE, Binding, digest, is_device, new_device
from authgateway.caller import Caller
from authgateway.exceptions import InvalidCredentials
from authgateway.models import Family, SecurityEvent, User
from authgateway.services import issuing
from authgateway.services.credentials import WRONG, Proven, credentials_check
from authgateway.services.issuing import TokenPair
from authgateway.services.security_events import event_record
from authgateway.services.sessions import session_open, sessions_revoke
from authgateway.tokens.claims import AccessClaims


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What the new session is to be bound to; ``device`` is the cookie the browser has from before, if any."""

    device_cookie: bool = False
    device: str = field(default="", repr=False)
    jkt: str = ""


UNBOUND = Wanted()


def login(
    *,
    username: str,
    password: str,
    caller: Caller,
    otp: str = "",
    device_name: str = "",
    wanted: Wanted = UNBOUND,
) -> TokenPair:
    """Open a session.

    Raises:
        RateLimited, InvalidCredentials, OtpRequired: as ``credentials_check``.
    """
    proven = credentials_check(username=username, password=password, otp=otp, caller=caller)
    with transaction.atomic(durable=True):
        user, moment = _lock(proven), now()
        binding = bind(user, wanted)
        family, token = session_open(
            user=user, amr=proven.amr, caller=caller, binding=binding, device_name=device_name, moment=moment
        )
        user.last_login = moment
        user.save(update_fields=["last_login"])
        _record("login", user, family, caller)
        claims = issuing.claims_for(family, user, moment=moment)
    metrics.logins.labels("opened").inc()
    return issuing.pair(claims, token, device=binding.device)


def step_up(
    *, user: User, claims: AccessClaims, password: str, otp: str, caller: Caller, wanted: Wanted = UNBOUND
) -> TokenPair:
    """Log in again: a new session with a fresh `auth_time` in place of the one that asks.

    Raises:
        RateLimited, InvalidCredentials, OtpRequired: as ``credentials_check``.
    """
    proven = credentials_check(username=user.get_username(), password=password, otp=otp, caller=caller)
    with transaction.atomic(durable=True):
        locked, moment = _lock(proven), now()
        former = Family.objects.filter(pk=claims.sid, user=locked)
        name = former.values_list("device_name", flat=True).first() or ""
        sessions_revoke(families=former, reason=Family.Reason.STEP_UP, moment=moment)
        binding = bind(locked, wanted)
        family, token = session_open(
            user=locked, amr=proven.amr, caller=caller, binding=binding, device_name=name, moment=moment
        )
        _record("step_up", locked, family, caller)
        fresh = issuing.claims_for(family, locked, moment=moment)
    return issuing.pair(fresh, token, device=binding.device)


def bind(user: User, wanted: Wanted) -> Binding:
    """Return what a new session of ``user`` is bound to.

    A device cookie from before is kept only if it is one of this user's: a planted one is replaced.
    """
    if not wanted.device_cookie:
        return Binding(jkt=wanted.jkt) if wanted.jkt else NONE
    device = wanted.device
    known = is_device(device) and Family.objects.filter(user=user, device_hash=digest(device)).exists()
    return Binding(device=device if known else new_device(), jkt=wanted.jkt)


def _lock(proven: Proven) -> User:
    user = User.objects.select_for_update(no_key=True).get(pk=proven.user.pk)
    if user.password != proven.user.password or not user.is_active:
        # Changed while we were hashing: what was proven is no longer the password.
        raise InvalidCredentials(WRONG)
    return user


def _record(kind: str, user: User, family: Family, caller: Caller) -> None:
    event_record(
        kind=kind,
        severity=SecurityEvent.Severity.INFO,
        user=user,
        family_id=family.pk,
        address=caller.address,
        user_agent=caller.user_agent,
    )
