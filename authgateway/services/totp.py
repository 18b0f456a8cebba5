"""The second factor: an authenticator app (RFC 6238) and codes for the day it is lost."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

import pyotp
from django.db import transaction

from altlas.kernel.clock import now
from altlas.kernel.errors import Conflict, FieldError, InvalidInput
from authgateway.caller import Caller
from authgateway.keys import kek
from authgateway.models import Family, RecoveryCode, SecurityEvent, TotpDevice, User
from authgateway.services.notices import owner_tell
from authgateway.services.security_events import event_record
from authgateway.services.sessions import user_sessions_end

_STEP = 30
_DRIFT = 1  # steps before and after: clocks of telephones
_CODES = 10
_CODE = re.compile(r"\d{6}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Enrolment:
    """What an authenticator app needs; shown once."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


def totp_enrol(*, user: User) -> Enrolment:
    """Give ``user`` a new secret, which counts when a code of it has confirmed it.

    Raises:
        Conflict: there is a confirmed one; remove it first.
    """
    secret = pyotp.random_base32(32)
    sealed, kek_id = kek.seal(secret.encode(), context=_context(user))
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if is_on(user):
            raise Conflict("There is a second factor already; remove it first.")
        TotpDevice.objects.update_or_create(
            user=user,
            defaults={"secret_sealed": sealed, "kek_id": kek_id, "created_at": now(), "confirmed_at": None},
        )
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.get_username(), issuer_name="ALT_LAS")
    return Enrolment(secret=secret, uri=uri)


def totp_confirm(*, user: User, code: str, caller: Caller) -> list[str]:
    """Switch the second factor on, end every session, and return the recovery codes, which are never shown again.

    Raises:
        InvalidInput: no secret waits for confirmation, or the code is not of it.
    """
    with transaction.atomic(durable=True):
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        device = TotpDevice.objects.filter(user=locked, confirmed_at__isnull=True).first()
        if device is None or not _take_code(device, code):
            raise InvalidInput(
                "The code is not valid now.",
                errors=[FieldError(pointer="/code", code="wrong", detail="Not a code of the secret you were given.")],
            )
        TotpDevice.objects.filter(pk=device.pk).update(confirmed_at=now())
        codes = _new_codes(locked)
        user_sessions_end(user=locked, reason=Family.Reason.FACTOR)
        _tell(locked, caller, "totp_on")
    return codes


def totp_remove(*, user: User, caller: Caller | None = None, actor: User | None = None) -> None:
    """Switch the second factor off and end every session; nothing when there is none."""
    with transaction.atomic():
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        RecoveryCode.objects.filter(user=locked).delete()
        if TotpDevice.objects.filter(user=locked).delete()[0]:
            user_sessions_end(user=locked, reason=Family.Reason.FACTOR, actor=actor)
            _tell(locked, caller or Caller(), "totp_off", actor=actor)


def recovery_codes_renew(*, user: User, caller: Caller) -> list[str]:
    """Return new recovery codes in place of all old ones.

    Raises:
        Conflict: there is no second factor.
    """
    with transaction.atomic(durable=True):
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not is_on(locked):
            raise Conflict("There is no second factor to recover; set one up first.")
        codes = _new_codes(locked)
        _tell(locked, caller, "recovery_codes")
    return codes


def is_on(user: User) -> bool:
    return TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).exists()


def code_take(*, user: User, code: str, caller: Caller) -> bool:
    """Whether ``code`` is a valid code of the app or of recovery; each is taken once."""
    device = TotpDevice.objects.filter(user=user, confirmed_at__isnull=False).first()
    if device is None:
        return False
    if _CODE.fullmatch(code):
        return _take_code(device, code)
    used = RecoveryCode.objects.filter(user=user, code_hash=_digest(code), used_at__isnull=True).update(used_at=now())
    if used:
        _tell(user, caller, "recovery_code_used")
    return bool(used)


def _take_code(device: TotpDevice, code: str) -> bool:
    raw = kek.open_sealed(bytes(device.secret_sealed), kek_id=device.kek_id, context=_context(device.user))
    generator = pyotp.TOTP(raw.decode())
    current = int(now().timestamp()) // _STEP
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        if hmac.compare_digest(generator.generate_otp(step), code):
            # The conditional update lets one of two parallel uses pass, and no later use of an earlier step.
            return bool(TotpDevice.objects.filter(pk=device.pk, last_step__lt=step).update(last_step=step))
    return False


def _new_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(_CODES)]  # 80 bits each
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, code_hash=_digest(code)) for code in codes)
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.replace("-", "").strip().lower().encode("utf-8", "replace")).digest()


def _context(user: User) -> str:
    return f"totp:{user.pk}"


def _tell(user: User, caller: Caller, what: str, *, actor: User | None = None) -> None:
    event_record(
        kind="credential_change",
        severity=SecurityEvent.Severity.MEDIUM,
        user=user,
        actor=actor or user,
        address=caller.address,
        user_agent=caller.user_agent,
        detail={"what": what},
    )
    owner_tell(user_id=user.pk, what=what, address=caller.address)
