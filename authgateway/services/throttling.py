"""Admission of logins and refreshes. Every door that takes a password comes through here."""

from __future__ import annotations

from datetime import timedelta

from altlas.kernel.clock import now
from authgateway import metrics
from authgateway.caller import Caller
from authgateway.exceptions import RateLimited
from authgateway.models import Family, SecurityEvent, User
from authgateway.services.security_events import event_record
from authgateway.throttle import counters, limits
from authgateway.throttle.limits import Limit, Verdict

_KNOWN_FOR = timedelta(days=30)


def login_admit(*, username: str, caller: Caller) -> tuple[Limit, ...]:
    """Count a login attempt; return under what, for :func:`login_succeeded`.

    Raises:
        RateLimited: too many failures lately; a soft lock that ends by itself.
    """
    pair, account, network = limits.of_login(username, caller)
    counted: tuple[Limit, ...] = (pair, account, network)
    verdict = counters.take(counted)
    if verdict.blocked_by == account and _is_known(username, caller):
        # Strangers' failures must not lock out the owner, who is where she has been before.
        counted = (pair, network)
        verdict = counters.take(counted)
    if verdict.blocked_by is not None:
        _refuse(verdict, verdict.blocked_by, username, caller)
    return counted


def login_succeeded(*, counted: tuple[Limit, ...]) -> None:
    """Take the attempt back, and forget this network's earlier failures with this account."""
    pair, *others = counted
    counters.forget(pair)
    counters.give_back(others)


def refresh_unknown(*, caller: Caller) -> None:
    """Count an unknown refresh token. Known ones cost nothing here: 256 bits are not found by guessing, but whoever
    guesses is told to stop.

    Raises:
        RateLimited: too many unknown ones from this network lately.
    """
    verdict = counters.take(limits.of_refresh(caller))
    if verdict.blocked_by is not None:
        _refuse(verdict, verdict.blocked_by, "", caller)


def client_unknown(*, caller: Caller) -> None:
    """Count a wrong client secret, as an unknown refresh token.

    Raises:
        RateLimited: too many from this network lately.
    """
    verdict = counters.take(limits.of_client(caller))
    if verdict.blocked_by is not None:
        _refuse(verdict, verdict.blocked_by, "", caller)


def account_unlock(*, user: User, actor: User | None = None) -> None:
    """Forget every failed login of ``user``, so that the next one is admitted from anywhere."""
    counters.forget_account(limits.account_hash(user.get_username()))
    event_record(kind="account_unlocked", severity=SecurityEvent.Severity.MEDIUM, user=user, actor=actor)


def _is_known(username: str, caller: Caller) -> bool:
    recent = Family.objects.filter(user__username=username, created_at__gt=now() - _KNOWN_FOR)
    return any(
        Caller(address=address).network == caller.network
        for address in recent.values_list("address", flat=True).distinct()[:50]
    )


def _refuse(verdict: Verdict, limit: Limit, username: str, caller: Caller) -> None:
    metrics.logins.labels("throttled").inc()
    user = User.objects.filter(username=username).only("id").first() if username else None
    event_record(
        kind="spoofed_header" if caller.spoofs else f"{limit.key.split(':')[0]}_throttled",
        severity=SecurityEvent.Severity.MEDIUM,
        user=user,
        address=caller.address,
        user_agent=caller.user_agent,
        detail={"limit": limit.name},
        aggregate=limit.key,
    )
    raise RateLimited("Too many failed attempts; wait and try again.", retry_after=verdict.retry_after)
