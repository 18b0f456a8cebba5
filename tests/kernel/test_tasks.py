"""Tasks leave when the transaction commits, with the request's id; a broker that is away is a 503."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kombu.exceptions
import pytest
from celery import current_app
from django.db import transaction

from altlas.kernel.errors import Unavailable
from altlas.kernel.request_id import bound
from altlas.kernel.tasks import enqueue


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What would have gone to the broker."""
    found: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, **options: found.append((name, options)))
    yield found


@pytest.mark.django_db(transaction=True)
def test_a_task_leaves_on_commit_and_never_after_a_rollback(sent: list[Any]) -> None:
    with bound("req-1"), transaction.atomic():
        enqueue("kept", args=[1])
        assert sent == []
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        enqueue("lost")
        raise ZeroDivisionError
    assert [name for name, _ in sent] == ["kept"]


def test_a_task_carries_the_request_id(sent: list[Any]) -> None:
    with bound("req-2"):
        enqueue("now", on_commit=False)
    assert sent[0][1]["headers"] == {"altlas_request_id": "req-2"}


def test_a_broker_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise kombu.exceptions.OperationalError("no broker")

    monkeypatch.setattr(current_app, "send_task", refuse)
    with pytest.raises(Unavailable) as caught:
        enqueue("now", on_commit=False)
    assert caught.value.retry_after
