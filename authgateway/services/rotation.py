"""Exchanging a refresh token for its successor.

One transaction under the family's lock decides; the verdict is committed before it is answered, and signing happens
after. Of any number of parallel calls exactly one changes the row (the conditional UPDATE); the others find it used
and are retries, races or theft, told apart by ``judge``, which is pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db import transaction
from django.db.models import F

from altlas.kernel.clock import now
from altlas.kernel.errors import AltlasError
from authgateway import metrics, risk
from authgateway.binding import NONE, Binding
from authgateway.caller import Caller
from authgateway.conf import conf
from authgateway.exceptions import (
    ProofInvalid,
    RefreshInProgress,
    RefreshInvalid,
    RefreshReused,
    SessionExpired,
    SessionRevoked,
    TokenWrongType,
)
from authgateway.keys import kek
from authgateway.models import Family, RefreshToken, SecurityEvent
from authgateway.services import issuing
from authgateway.services.issuing import TokenPair
from authgateway.services.notices import owner_tell
from authgateway.services.security_events import event_record
from authgateway.services.sessions import idle_limit, sessions_revoke
from authgateway.services.throttling import refresh_unknown
from authgateway.tokens import refresh
from authgateway.tokens.claims import AccessClaims

_PURPOSE = b"refresh-successor"
_INVALID = "The refresh token is not valid."
Severity = SecurityEvent.Severity


class Verdict(Enum):
    """What a used refresh token is."""

    RETRY = "retry"  # the same successor again
    IN_PROGRESS = "in_progress"  # 409
    REUSE = "refresh_reuse"
    STALE = "stale_lineage"  # its successor was used too


@dataclass(frozen=True, kw_only=True, slots=True)
class Used:
    """A used token as ``judge`` sees it."""

    used_at: datetime
    child_used: bool
    has_nonce: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Granted:
    claims: AccessClaims
    refresh: str
    is_retry: bool = False


def judge(used: Used, *, mode: str, grace: timedelta, moment: datetime) -> Verdict:
    """Tell a retry from theft. Grace is for the immediate predecessor of an unused successor alone."""
    if used.child_used:
        return Verdict.STALE
    if mode == "strict" or moment - used.used_at > grace:
        return Verdict.REUSE
    if mode == "reject":
        return Verdict.IN_PROGRESS
    return Verdict.RETRY if used.has_nonce else Verdict.REUSE


def refresh_rotate(*, token: str, caller: Caller, binding: Binding = NONE) -> TokenPair:
    """Exchange ``token``.

    Raises:
        RefreshInvalid: never issued, or its account is gone or inactive.
        RefreshReused: used before, or stolen by all appearances; its session is ended and its access tokens are
            refused, already committed.
        ProofInvalid: it is bound to a DPoP key and no proof of any key came along.
        RateLimited: too many unknown tokens from this network lately.
        SessionRevoked, SessionExpired: the session ended before.
        RefreshInProgress: used a moment ago, in mode ``reject``.
        TokenWrongType: it is an access token.
    """
    if token.count(".") == 2:
        raise TokenWrongType("type_confusion")
    if not refresh.is_shaped(token):
        raise RefreshInvalid(_INVALID)
    with transaction.atomic(durable=True):
        outcome = _decide(token, caller, binding)
    if isinstance(outcome, AltlasError):
        if type(outcome) is RefreshInvalid:
            refresh_unknown(caller=caller)
        metrics.rotations.labels(outcome.code).inc()
        raise outcome
    metrics.rotations.labels("retry" if outcome.is_retry else "rotated").inc()
    return issuing.pair(outcome.claims, outcome.refresh)


def _decide(token: str, caller: Caller, binding: Binding) -> Granted | AltlasError:
    moment = now()
    family: Any = (
        Family.objects.select_for_update(of=("self",), no_key=True)
        .select_related("user")
        .filter(tokens__token_hash=refresh.digest(token))
        # Constants of the token's row. Whether it is used must not be read here: after waiting for the lock,
        # PostgreSQL gives the family's new version beside the token's old one.
        .annotate(
            token_id=F("tokens__id"),
            generation=F("tokens__generation"),
            last_address=F("tokens__address"),
            last_at=F("tokens__created_at"),
        )
        .order_by()
        .first()
    )
    refused = _refusal(family, caller, moment)
    if refused is not None:
        return refused
    if not binding.matches(device_hash=_bytes(family.device_hash), jkt=family.jkt):
        return _stolen(family, caller, moment, binding)
    nonce = refresh.new_nonce()
    won = RefreshToken.objects.filter(pk=family.token_id, used_at__isnull=True, expires_at__gt=moment).update(
        used_at=moment, successor_nonce=nonce
    )
    if not won:
        return _lost(family, token, caller, moment)
    suspect = _weigh(family, caller, moment)
    if suspect is not None:
        return suspect
    successor = refresh.successor(token, nonce=nonce, key=kek.keks()[0].derive(_PURPOSE))
    RefreshToken.objects.create(
        family=family,
        generation=family.generation + 1,
        token_hash=refresh.digest(successor),
        created_at=moment,
        expires_at=min(idle_limit(family.user, moment), family.absolute_expires_at),
        address=caller.address,
    )
    return Granted(claims=issuing.claims_for(family, family.user, moment=moment), refresh=successor)


def _refusal(family: Family | None, caller: Caller, moment: datetime) -> AltlasError | None:
    if family is None:
        _record("refresh_unknown", Severity.LOW, None, caller, aggregate=caller.network)
        return RefreshInvalid(_INVALID)
    if not family.user.is_active:
        _record("user_state", Severity.MEDIUM, family, caller, aggregate=str(family.pk))
        return RefreshInvalid(_INVALID)  # word for word as for an account that was deleted
    if family.revoked_at is not None:
        _record("revoked_reuse", Severity.MEDIUM, family, caller, aggregate=str(family.pk))
        return SessionRevoked("The session was ended; log in again.")
    if moment >= family.absolute_expires_at:
        return SessionExpired("The session has expired; log in again.")
    return None


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)


def _stolen(family: Any, caller: Caller, moment: datetime, binding: Binding) -> AltlasError:
    """End a session whose refresh token came without the device or key it is bound to."""
    used = RefreshToken.objects.filter(pk=family.token_id, used_at__isnull=False).exists()
    _end(family, Family.Reason.DEVICE_MISMATCH, moment, caller)
    _record(
        "grace_device_mismatch" if used else "device_mismatch",
        Severity.HIGH,
        family,
        caller,
        detail={"opened_from": family.address, "bound_to": "key" if family.jkt else "device"},
    )
    if family.jkt and not binding.jkt:
        return ProofInvalid("missing")
    return RefreshReused("This refresh token belongs to another device; the session was ended. Log in again.")


def _weigh(family: Any, caller: Caller, moment: datetime) -> AltlasError | None:
    """Look at where the token comes from. Costs no statement while nothing has changed."""
    before = risk.Sighting(address=family.last_address, user_agent=family.user_agent, at=family.last_at.timestamp())
    after = risk.Sighting(address=caller.address, user_agent=caller.user_agent, at=moment.timestamp())
    found = risk.assess(before, after, bound=bool(family.jkt or family.device_hash))
    if not found.score:
        return None
    detail = {"score": found.score, "signals": list(found.signals), "before": family.last_address}
    if found.score >= conf.risk_high:
        _end(family, Family.Reason.RISK, moment, caller)
        _record("risk_high", Severity.HIGH, family, caller, detail=detail)
        return SessionRevoked("The session was ended; log in again.")
    if found.score >= conf.risk_medium and family.distrusted_at is None:
        family.distrusted_at = moment
    family.user_agent = caller.user_agent
    family.save(update_fields=["distrusted_at", "user_agent"])
    severity = Severity.MEDIUM if found.score >= conf.risk_medium else Severity.LOW
    _record("risk_signal", severity, family, caller, aggregate=str(family.pk), detail=detail)
    return None


def _end(family: Family, reason: Family.Reason, moment: datetime, caller: Caller) -> None:
    sessions_revoke(families=Family.objects.filter(pk=family.pk), reason=reason, moment=moment)
    owner_tell(user_id=family.user_id, what="reuse", address=caller.address)


def _lost(family: Any, token: str, caller: Caller, moment: datetime) -> Granted | AltlasError:
    row = RefreshToken.objects.get(pk=family.token_id)
    if row.used_at is None:
        return SessionExpired("The session has expired; log in again.")
    child = RefreshToken.objects.filter(family=family, generation=row.generation + 1).first()
    used = Used(
        used_at=row.used_at,
        child_used=child is None or child.used_at is not None,
        has_nonce=row.successor_nonce is not None,
    )
    verdict = judge(used, mode=conf.refresh_mode, grace=timedelta(seconds=conf.grace_seconds), moment=moment)
    if verdict is Verdict.IN_PROGRESS:
        return RefreshInProgress()
    if verdict is Verdict.RETRY and _is_from_elsewhere(family, row, caller):
        _end(family, Family.Reason.REUSE, moment, caller)
        _record("grace_device_mismatch", Severity.HIGH, family, caller, detail={"issued_to": row.address})
        return RefreshReused("This refresh token was used before; the session was ended. Log in again.")
    if verdict is Verdict.RETRY and child is not None:
        successor = _derive_again(token, bytes(row.successor_nonce or b""), bytes(child.token_hash))
        if successor is not None:
            return Granted(
                claims=issuing.claims_for(family, family.user, moment=moment), refresh=successor, is_retry=True
            )
        verdict = Verdict.REUSE
    _end(family, Family.Reason.REUSE, moment, caller)
    _record(
        verdict.value,
        Severity.HIGH,
        family,
        caller,
        detail={"generation": row.generation, "issued_to": row.address, "opened_from": family.address},
    )
    return RefreshReused("This refresh token was used before; the session was ended. Log in again.")


def _is_from_elsewhere(family: Any, row: RefreshToken, caller: Caller) -> bool:
    """Whether a retry comes from another browser and another network than the session: then it is no retry."""
    here = risk.Sighting(address=caller.address, user_agent=caller.user_agent, at=0)
    there = risk.Sighting(address=row.address, user_agent=family.user_agent, at=0)
    return {"user_agent", "network"} <= set(risk.assess(there, here, bound=False).signals)


def _derive_again(token: str, nonce: bytes, expected: bytes) -> str | None:
    # The key-encryption key may have been replaced since: the right one is the one whose successor we stored.
    for key in kek.keks():
        successor = refresh.successor(token, nonce=nonce, key=key.derive(_PURPOSE))
        if refresh.digest(successor) == expected:
            return successor
    return None


def _record(
    kind: str,
    severity: str,
    family: Family | None,
    caller: Caller,
    *,
    aggregate: str | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    event_record(
        kind=kind,
        severity=severity,
        user_id=family.user_id if family else None,
        family_id=family.pk if family else None,
        address=caller.address,
        user_agent=caller.user_agent,
        aggregate=aggregate,
        detail=detail,
    )
