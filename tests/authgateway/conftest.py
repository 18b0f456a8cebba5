from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from rest_framework.test import APIClient

from authgateway import refusals
from authgateway.conf import conf
from authgateway.denylist import cache, recent
from authgateway.keys import ring
from authgateway.models import User
from authgateway.testing import PASSWORD, make_user


class QuickArgon2(Argon2PasswordHasher):
    """The same algorithm at a fraction of its price: what it costs is not the point of most tests."""

    time_cost = 1
    memory_cost = 64
    parallelism = 1


@pytest.fixture(autouse=True)
def _fresh_state(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.PASSWORD_HASHERS = [f"{QuickArgon2.__module__}.{QuickArgon2.__qualname__}"]
    ring.reset()
    refusals.buffer = refusals.RefusalBuffer()
    cache.breaker.reset()
    recent.forget()
    # Fifty milliseconds is what the product grants Redis; a busy test machine must not open the breaker by itself.
    monkeypatch.setattr(conf, "denylist_timeout", 5)
    # A test of another app may have made the connection, with the product's patience.
    cache.connection().connection_pool.disconnect()
    cache.connection.cache_clear()
    cache.connection().flushdb()
    yield


@pytest.fixture
def api() -> APIClient:
    return APIClient()


@pytest.fixture
def ada(db: None) -> User:
    return make_user("ada")


Login = Callable[..., dict[str, Any]]


@pytest.fixture
def login(api: APIClient) -> Login:
    """Log in over HTTP; returns the answer's body."""

    def do(username: str = "ada", password: str = PASSWORD, **extra: Any) -> dict[str, Any]:
        answer = api.post("/api/v1/auth/token", {"username": username, "password": password}, **extra)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return do


def auth(pair: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair['access']}"}
