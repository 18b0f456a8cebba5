"""Logging in."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.db import transaction

from altlas.kernel.clock import now
from authgateway import metrics
from authgateway.caller import Caller
from authgateway.exceptions import InvalidCredentials
from authgateway.models import SecurityEvent, User
from authgateway.services import issuing
from authgateway.services.issuing import TokenPair
from authgateway.services.security_events import event_record
from authgateway.services.sessions import session_open
from authgateway.services.throttling import login_admit, login_succeeded


def login(*, username: str, password: str, caller: Caller, device_name: str = "") -> TokenPair:
    """Open a session.

    Raises:
        RateLimited: too many failures lately.
        InvalidCredentials: wrong name, wrong password or inactive account, indistinguishable by text and time.
    """
    counted = login_admit(username=username, caller=caller)
    # ModelBackend hashes once also for a name that does not exist.
    found = authenticate(username=username, password=password)
    if not isinstance(found, User):
        metrics.logins.labels("refused").inc()
        _record_failure(username, caller)
        raise InvalidCredentials("The username or password is wrong.")
    with transaction.atomic(durable=True):
        user = User.objects.select_for_update(no_key=True).get(pk=found.pk)
        if user.password != found.password or not user.is_active:
            # Changed while we were hashing: what was proven is no longer the password.
            raise InvalidCredentials("The username or password is wrong.")
        moment = now()
        family, token = session_open(user=user, amr=["pwd"], caller=caller, device_name=device_name, moment=moment)
        user.last_login = moment
        user.save(update_fields=["last_login"])
        event_record(
            kind="login",
            severity=SecurityEvent.Severity.INFO,
            user=user,
            family_id=family.pk,
            address=caller.address,
            user_agent=caller.user_agent,
        )
        claims = issuing.claims_for(family, user, moment=moment)
    login_succeeded(counted=counted)
    metrics.logins.labels("opened").inc()
    return issuing.pair(claims, token)


def _record_failure(username: str, caller: Caller) -> None:
    user = User.objects.filter(username=username).only("id").first()
    event_record(
        kind="login_failed",
        severity=SecurityEvent.Severity.LOW,
        user=user,
        address=caller.address,
        user_agent=caller.user_agent,
        # One row per account, or per network for names that do not exist: guessing cannot fill the table.
        aggregate=f"user:{user.pk}" if user else f"network:{caller.network}",
    )
