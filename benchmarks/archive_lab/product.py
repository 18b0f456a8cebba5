"""The product's own views, called in process from request to bytes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from rest_framework.test import APIRequestFactory, force_authenticate

from altlas.kernel.clock import now
from archive.views.records import RecordsView
from archive.views.search import SearchView
from archive.views.stats import StatsView
from authgateway.models import Family, User
from authgateway.services import issuing

VIEWS = {"records": RecordsView, "search": SearchView, "stats": StatsView}
_requests = APIRequestFactory(SERVER_NAME="localhost")


def call(name: str, owner: UUID, **query: Any) -> Callable[[], bytes]:
    handle = VIEWS[name].as_view()
    user = User.objects.get(pk=owner)
    moment = now()
    family = Family(user=user, auth_time=moment, amr=["pwd"], absolute_expires_at=moment + timedelta(days=1))
    token = issuing.claims_for(family, user, moment=moment, granted=frozenset({"archive:read"}))

    def run() -> bytes:
        request = _requests.get("/api/v1/archive/" + name, query)
        force_authenticate(request, user=user, token=token)
        answer = handle(request)
        assert answer.status_code == 200, answer.data
        return bytes(answer.content)

    return run


def cursor_at(owner: UUID, ordering: str, depth: float) -> str:
    """Return a cursor of the list at ``depth``; made by the product's own codec."""
    from archive import cursors, orderings, selectors
    from archive.filters import RecordFilters
    from archive.slow.own import _key_at

    order, filters = orderings.OF_OWNER[ordering], RecordFilters(owner_id=owner)
    return cursors.encode(
        cursors.Position(keys=_key_at(order, filters, depth)),
        key=selectors._keys()[0],
        binding=cursors.binding(filters.canonical(), order.name),
        expires=now() + timedelta(hours=1),
    )


def follow(page: bytes) -> str:
    import json

    return parse_qs(urlsplit(json.loads(page)["next"]).query)["cursor"][0]
