"""The account that plays: ordinary rights, a password of one run, closed afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth import get_user_model

USERNAME = "walkthrough"


@contextmanager
def opened(username: str = USERNAME) -> Iterator[tuple[str, str]]:
    """Yield user name and password of an account that can log in only inside the block."""
    password = secrets.token_urlsafe(24)
    user, _ = get_user_model().objects.get_or_create(username=username)
    user.is_active = True
    user.set_password(password)
    user.save()
    try:
        yield username, password
    finally:
        user.is_active = False
        user.set_unusable_password()
        user.save()
