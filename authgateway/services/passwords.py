"""Changing a password."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from altlas.kernel.clock import now
from altlas.kernel.errors import FieldError
from authgateway.caller import Caller
from authgateway.exceptions import PasswordRefused
from authgateway.models import Family, SecurityEvent, User
from authgateway.services import issuing
from authgateway.services.issuing import TokenPair
from authgateway.services.login import UNBOUND, Wanted, bind
from authgateway.services.notices import owner_tell
from authgateway.services.security_events import event_record
from authgateway.services.sessions import session_open, user_sessions_end
from authgateway.services.throttling import login_admit, login_succeeded


def password_change(
    *, user: User, current: str, new: str, caller: Caller, wanted: Wanted = UNBOUND, amr: Sequence[str] = ("pwd",)
) -> TokenPair:
    """Set a new password, end every session, and open a fresh one for the caller.

    Raises:
        RateLimited: too many wrong guesses lately.
        PasswordRefused: the current one is wrong, or the new one is too weak.
    """
    counted = login_admit(username=user.get_username(), caller=caller)
    if not user.check_password(current):
        raise PasswordRefused(
            "The current password is wrong.",
            errors=[FieldError(pointer="/current_password", code="wrong", detail="This is not your password.")],
        )
    login_succeeded(counted=counted)
    _validate(new, user)
    with transaction.atomic(durable=True):
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if locked.password != user.password:
            raise PasswordRefused("The password was changed by another request; log in again.")
        locked.set_password(new)
        locked.save(update_fields=["password"])
        user_sessions_end(user=locked, reason=Family.Reason.PASSWORD)
        moment = now()
        binding = bind(locked, wanted)
        family, token = session_open(user=locked, amr=amr, caller=caller, binding=binding, moment=moment)
        event_record(
            kind="credential_change",
            severity=SecurityEvent.Severity.MEDIUM,
            user=locked,
            actor=locked,
            family_id=family.pk,
            address=caller.address,
            user_agent=caller.user_agent,
            detail={"what": "password"},
        )
        owner_tell(user_id=locked.pk, what="password", address=caller.address)
        claims = issuing.claims_for(family, locked, moment=moment)
    return issuing.pair(claims, token, device=binding.device)


def _validate(new: str, user: User) -> None:
    try:
        validate_password(new, user)
    except ValidationError as exc:
        raise PasswordRefused(
            "The new password is too weak.",
            errors=[
                FieldError(pointer="/new_password", code=str(item.code), detail=" ".join(item.messages))
                for item in exc.error_list
            ],
        ) from None
