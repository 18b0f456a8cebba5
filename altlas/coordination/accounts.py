"""Accounts of verifications: one for each service, open while a run needs it, emptied and closed afterwards.

What a run leaves behind is removed by whoever owns the tables: apps register cleaners beside their verifications.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from altlas.kernel.verification import Account
from altlas.kernel.verification.registry import cleaners

logger = logging.getLogger(__name__)
_OPERATORS = "operators"


@contextmanager
def opened(service: str, *, operator: bool = False) -> Iterator[Account]:
    """Yield an account that can log in only inside the block."""
    username = f"verification-{service}" + ("-operator" if operator else "")
    password = secrets.token_urlsafe(24)
    user, _ = get_user_model().objects.get_or_create(username=username)
    # A run that was killed could not clean up behind itself.
    _empty(user.pk)
    user.is_active, user.is_staff = True, operator
    user.set_password(password)
    user.save()
    if operator:
        user.groups.add(Group.objects.get_or_create(name=_OPERATORS)[0])
    try:
        yield Account(id=user.pk, username=username, password=password)
    finally:
        user.refresh_from_db()
        user.is_active = user.is_staff = False
        user.groups.clear()
        user.set_unusable_password()
        user.save()
        _empty(user.pk)


def _empty(owner_id: object) -> None:
    for cleaner in cleaners():
        try:
            cleaner(owner_id)
        except Exception:  # one that fails must not keep the others from cleaning
            logger.exception("%s could not clean up", cleaner.__module__)
