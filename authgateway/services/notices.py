"""Telling the owner of an account, by mail, what has happened to it (ASVS 5.0, V6.3.5 and V6.3.7)."""

from __future__ import annotations

from uuid import UUID

from django.core.mail import send_mail
from django.db import transaction
from django.utils.translation import gettext as _

from altlas.kernel.tasks import enqueue
from authgateway.models import User

# What happened -> what the mail says. Nothing in it is secret, and nothing in it is a link to be imitated.
_TEXTS = {
    "password": "Your password was changed; every other session was ended.",
    "totp_on": "A second factor was switched on; every other session was ended.",
    "totp_off": "The second factor of your account was removed; every session was ended.",
    "recovery_codes": "New recovery codes were made; the old ones do not work any more.",
    "recovery_code_used": "A recovery code was used to log in.",
    "reuse": "A session was ended because its refresh token was used a second time or on another device.",
    "api_token": "A new API token was made for your account.",
}


def owner_tell(*, user_id: UUID, what: str, address: str | None) -> None:
    """Send the mail when the open transaction commits; accounts without an address are told nothing."""

    def send() -> None:
        if User.objects.filter(pk=user_id).exclude(email="").exists():
            enqueue("authgateway.notice", args=[str(user_id), what, address or ""], on_commit=False, expires=86_400)

    # robust: what has happened stands, whether or not the broker takes the letter.
    transaction.on_commit(send, robust=True)


def notice_send(*, user_id: str, what: str, address: str) -> bool:
    """Send one mail; return whether there was somebody to send it to."""
    user = User.objects.filter(pk=user_id).exclude(email="").first()
    if user is None:
        return False
    lines = [_TEXTS[what], "", f"Account: {user.get_username()}", f"From: {address or '-'}", ""]
    lines.append("If this was not you: change your password, and tell the operators of this installation.")
    send_mail(
        subject=_("[ALT_LAS] Your account"), message="\n".join(lines), from_email=None, recipient_list=[user.email]
    )
    return True
