"""For tests of every app: users and real, signed tokens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from altlas.kernel.clock import now
from authgateway import scopes as scope_names
from authgateway.keys import ring
from authgateway.models import Family, User
from authgateway.services import issuing
from authgateway.services.signing_keys import signing_keys_ensure

PASSWORD = "correct horse battery staple"  # noqa: S105  # for tests only


def make_user(
    username: str = "ada",
    *,
    staff: bool = False,
    superuser: bool = False,
    password: str | None = PASSWORD,
    email: str = "",
) -> User:
    """Return a new user; with ``password=None`` one that cannot log in, which saves the hashing."""
    user = User(username=username, email=email, is_staff=staff or superuser, is_superuser=superuser)
    user.set_password(password)
    user.save()
    return user


def bearer(user: User, scopes: Iterable[str] | None = None) -> dict[str, str]:
    """Return request headers with a real access token of a new session; ``scopes`` default to all the user may have.

    For ``httpx`` and for ``APIClient.get(..., headers=bearer(user))``.
    """
    ring.reset()
    signing_keys_ensure()
    moment = now()
    family = Family.objects.create(
        user=user, auth_time=moment, amr=["pwd"], absolute_expires_at=moment + timedelta(days=1)
    )
    granted = scope_names.of_user(user) if scopes is None else frozenset(scopes)
    claims = issuing.claims_for(family, user, moment=moment, granted=granted)
    return {"Authorization": f"Bearer {issuing.sign(claims)}"}
