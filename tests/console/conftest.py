"""People who use the console."""

from __future__ import annotations

import pytest
from django.test import Client

from authgateway.models import User
from authgateway.testing import make_user


@pytest.fixture
def boss() -> User:
    return make_user("boss", superuser=True, password=None)


@pytest.fixture
def desk(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client
