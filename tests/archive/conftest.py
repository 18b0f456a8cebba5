from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from archive import embedding
from authgateway.testing import bearer, make_user


@pytest.fixture(autouse=True)
def no_embedder() -> Iterator[None]:
    """The model is not the point here: tests register a fake where meaning matters."""
    before = embedding._embedder
    embedding.set_query_embedder(None)
    yield
    embedding.set_query_embedder(before)


@pytest.fixture
def ada(db: None) -> Any:
    return make_user(username="ada", password=None)


@pytest.fixture
def bob(db: None) -> Any:
    return make_user(username="bob", password=None)


@pytest.fixture
def client_of() -> Any:
    def make(user: Any, scopes: list[str] | None = None) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=bearer(user, scopes)["Authorization"])
        return client

    return make
