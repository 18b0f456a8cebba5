"""Checking a password and, where there is one, the second factor. Every door that takes a password comes here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from django.contrib.auth import authenticate

from authgateway import metrics
from authgateway.caller import Caller
from authgateway.exceptions import InvalidCredentials, OtpRequired
from authgateway.models import SecurityEvent, User
from authgateway.services import totp
from authgateway.services.security_events import event_record
from authgateway.services.throttling import login_admit, login_succeeded

WRONG = "The username or password is wrong."


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """Who gave which proof. ``user`` was read before the proof was checked: compare again under the lock."""

    user: User
    amr: tuple[str, ...]


def credentials_check(*, username: str, password: str, otp: str, caller: Caller) -> Proven:
    """Return who that is.

    Raises:
        RateLimited: too many failures lately.
        InvalidCredentials: wrong name, password or code, or an inactive account, indistinguishable by text and time.
        OtpRequired: the password is right; a code must come along.
    """
    counted = login_admit(username=username, caller=caller)
    # ModelBackend hashes once also for a name that does not exist.
    found = authenticate(username=username, password=password)
    if not isinstance(found, User):
        _refuse(username, caller)
    amr: tuple[str, ...] = ("pwd",)
    if totp.is_on(found):
        if not otp:
            # Stays counted as an attempt, or the codes could be guessed without limit by asking without one between.
            raise OtpRequired("Send the code of your authenticator app, or a recovery code, as `otp`.")
        if not totp.code_take(user=found, code=otp, caller=caller):
            _refuse(username, caller, detail="otp")
        amr = ("pwd", "otp", "mfa")
    login_succeeded(counted=counted)
    return Proven(user=found, amr=amr)


def _refuse(username: str, caller: Caller, detail: str = "") -> NoReturn:
    metrics.logins.labels("refused").inc()
    user = User.objects.filter(username=username).only("id").first()
    event_record(
        kind="login_failed",
        severity=SecurityEvent.Severity.LOW,
        user=user,
        address=caller.address,
        user_agent=caller.user_agent,
        detail={"factor": detail} if detail else None,
        # One row per account, or per network for names that do not exist: guessing cannot fill the table.
        aggregate=f"user:{user.pk}" if user else f"network:{caller.network}",
    )
    raise InvalidCredentials(WRONG)
