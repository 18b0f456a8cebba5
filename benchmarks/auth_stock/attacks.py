"""The same attack on both, in the same process: what each answers."""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth import get_user_model
from django.db import connection
from rest_framework.test import APIClient

from authgateway.testing import PASSWORD, make_user

PARALLEL = 100


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where a gateway's routes are, and how its answers look."""

    token: str
    refresh: str
    me: str
    logout: str


STOCK = Door(token="/stock/token", refresh="/stock/refresh", me="/stock/me", logout="/stock/blacklist")
OURS = Door(
    token="/api/v1/auth/token",
    refresh="/api/v1/auth/token/refresh",
    me="/api/v1/auth/me",
    logout="/api/v1/auth/logout",
)


@functools.cache
def _handler() -> Any:
    """The application with its middleware, loaded once as a server does."""
    return APIClient(raise_request_exception=False).handler


def client() -> APIClient:
    made = APIClient(raise_request_exception=False)
    made.handler = _handler()
    return made


def login(door: Door, username: str) -> dict[str, Any]:
    answer = client().post(door.token, {"username": username, "password": PASSWORD})
    assert answer.status_code == 200, answer.content
    return answer.json()


def refresh(door: Door, token: str) -> Any:
    return client().post(door.refresh, {"refresh": token})


def me(door: Door, access: str) -> int:
    return client().get(door.me, headers={"Authorization": f"Bearer {access}"}).status_code


_made = iter(range(10_000))


def fresh(door: Door) -> tuple[Any, dict[str, Any]]:
    user = make_user(f"victim{next(_made)}")
    return user, login(door, user.username)


def parallel(door: Door) -> str:
    """A hundred posts of one refresh token at once."""
    _, pair = fresh(door)
    barrier = threading.Barrier(PARALLEL)
    answers: list[tuple[int, str | None]] = []

    def post() -> None:
        barrier.wait()
        answer = refresh(door, pair["refresh"])
        answers.append((answer.status_code, answer.json().get("refresh") if answer.status_code == 200 else None))
        connection.close()

    threads = [threading.Thread(target=post) for _ in range(PARALLEL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    granted = {token for status, token in answers if status == 200}
    live = sum(refresh(door, str(token)).status_code == 200 for token in granted)
    statuses = Counter(status for status, _ in answers)
    return f"{statuses[200]} x 200, {len(granted)} different successors, {live} of them live"


def replay(door: Door) -> str:
    """A rotated token comes back after its successor was used; then the thief's or victim's newest is tried."""
    _, pair = fresh(door)
    second = refresh(door, pair["refresh"]).json()["refresh"]
    third = refresh(door, second).json()["refresh"]
    answer = refresh(door, pair["refresh"]).status_code
    after = refresh(door, third).status_code
    return f"{answer}; the session's newest token afterwards: {after}"


def after_logout(door: Door) -> str:
    _, pair = fresh(door)
    headers = {} if door is STOCK else {"Authorization": f"Bearer {pair['access']}"}
    client().post(door.logout, {"refresh": pair["refresh"]}, headers=headers)
    return f"access token after logout: {me(door, pair['access'])}"


def after_password_change(door: Door) -> str:
    user, pair = fresh(door)
    user.set_password("another quite long phrase")
    user.save()
    return f"refresh: {refresh(door, pair['refresh']).status_code}, access: {me(door, pair['access'])}"


def deleted_user(door: Door) -> str:
    user, pair = fresh(door)
    get_user_model().objects.filter(pk=user.pk).delete()
    return f"refresh: {refresh(door, pair['refresh']).status_code}"


def refresh_as_proof(door: Door) -> str:
    """Does anything accept a refresh token where an access token is meant?"""
    _, pair = fresh(door)
    status = client().post("/stock/verify", {"token": pair["refresh"]}).status_code if door is STOCK else None
    return f"/verify: {status}" if status else f"as bearer: {me(door, pair['refresh'])}"


def database_copy(door: Door) -> str:
    """Is a stolen copy of the database enough to log in?"""
    _, pair = fresh(door)
    with connection.cursor() as cursor:
        found = 0
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE position(%s in t::text) > 0', [pair["refresh"]])
            found += cursor.fetchone()[0]
    return f"rows that hold the live refresh token in clear: {found}"


def weak_key(door: Door) -> str:
    """A token signed with a 1024-bit key of the installation itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    if door is STOCK:
        from rest_framework_simplejwt.backends import TokenBackend

        backend = TokenBackend("RS256", signing_key=key, verifying_key=key.public_key())
        accepted = bool(backend.decode(backend.encode({"token_type": "access", "exp": 4_000_000_000})))
    else:
        from authgateway.keys import ring, rsa_key
        from authgateway.models import SigningKey

        kid = rsa_key.thumbprint(key.public_key())
        SigningKey.objects.create(kid=kid, state="retiring", public_pem=rsa_key.public_pem(key.public_key()), bits=1024)
        ring.reset()
        accepted = kid in ring.current().verifying
        SigningKey.objects.filter(kid=kid).delete()
        ring.reset()
    return "accepted" if accepted else "refused"


def endless_claims(door: Door) -> str:
    """A token with our own signature, without iss, aud and iat, that expires in decades."""
    user, _ = fresh(door)
    claims = {"token_type": "access", "exp": 2_700_000_000, "jti": "x" * 32, "user_id": str(user.pk)}
    if door is STOCK:
        from django.conf import settings
        from rest_framework_simplejwt.utils import get_md5_hash_password

        claims["hash_password"] = get_md5_hash_password(user.password)
        return str(me(door, jwt.encode(claims, settings.SIMPLE_JWT["SIGNING_KEY"], algorithm="RS256")))
    from authgateway.keys import ring

    signer = ring.signer()
    headers = {"kid": signer.kid, "typ": "at+jwt"}
    return str(me(door, jwt.encode({**claims, "sub": str(user.pk)}, signer.key, algorithm="RS256", headers=headers)))


ATTACKS: dict[str, tuple[str, Callable[[Door], str]]] = {
    "16": ("100 parallel uses of one refresh token", parallel),
    "15": ("replay of a token used two rotations ago", replay),
    "32": ("access token after logout", after_logout),
    "27": ("after a password change", after_password_change),
    "26": ("account deleted", deleted_user),
    "11": ("refresh token where an access token is meant", refresh_as_proof),
    "46": ("copy of the database", database_copy),
    "02": ("RSA key of 1024 bits", weak_key),
    "08": ("claims missing, life of decades", endless_claims),
}


def compare() -> list[dict[str, str]]:
    return [
        {"row": row, "attack": title, "stock": attack(STOCK), "ours": attack(OURS)}
        for row, (title, attack) in ATTACKS.items()
    ]
