"""The first request for a model waits for the catalogue, as long as it may and no longer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError

from orchestrator.exceptions import ModelUnavailable
from orchestrator.models import Model, ModelVersion
from orchestrator.services import specs
from orchestrator.services.specs import spec_forget, spec_get
from tests.orchestrator.support import within
from tests.support.waiting import eventually


class Catalogue:
    """A table whose rows of one model come when they are let."""

    def __init__(self) -> None:
        self.let, self.asked = threading.Event(), list[str]()
        self.failure: Exception | None = None

    def routes(self, *, model: str, version: str | None) -> list[tuple[ModelVersion, int]]:
        self.asked.append(model)
        if model == "slow":
            assert self.let.wait(30)
            if self.failure is not None:
                raise self.failure
        return [(ModelVersion(version="1", source="echo://", model=Model(name=model, task="echo")), 100)]


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Catalogue]:
    found = Catalogue()
    monkeypatch.setattr(specs, "version_routes", found.routes)
    spec_forget()
    yield found
    found.let.set()
    spec_forget()


def test_one_slow_read_holds_up_nobody_who_wants_another_model(catalogue: Catalogue) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(spec_get, model="slow")
        eventually(lambda: catalogue.asked, within=10)
        assert spec_get(model="other", until=within(10)).key.model == "other"
        assert not slow.done()
        catalogue.let.set()
        assert slow.result(10).key.model == "slow"


def test_who_waits_for_a_read_gives_up_at_the_deadline_and_is_told_to_try_again(catalogue: Catalogue) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(spec_get, model="slow")
        eventually(lambda: catalogue.asked, within=10)
        with pytest.raises(ModelUnavailable, match="try again") as refused:
            spec_get(model="slow", until=within(0.1))
        assert (refused.value.status, refused.value.retry_after) == (503, 1)
        catalogue.let.set()
        assert slow.result(10).key.model == "slow"


def waiting_for(catalogue: Catalogue, pool: ThreadPoolExecutor, number: int) -> list[Any]:
    calls = [pool.submit(spec_get, model="slow", until=within(20)) for _ in range(number)]
    eventually(lambda: catalogue.asked, within=10)
    return calls


def test_a_crowd_takes_one_read(catalogue: Catalogue) -> None:
    with ThreadPoolExecutor(8) as pool:
        calls = waiting_for(catalogue, pool, 8)
        catalogue.let.set()
        assert {call.result(10).key.model for call in calls} == {"slow"}
    assert catalogue.asked == ["slow"]


def test_a_read_that_fails_fails_for_all_who_waited_and_the_next_one_tries_anew(catalogue: Catalogue) -> None:
    catalogue.failure = OperationalError("the database is away")
    with ThreadPoolExecutor(4) as pool:
        calls = waiting_for(catalogue, pool, 4)
        catalogue.let.set()
        assert {type(call.exception(10)) for call in calls} == {OperationalError}
    catalogue.failure = None
    assert spec_get(model="slow", until=within(10)).key.model == "slow"


def test_a_read_that_began_before_a_change_is_not_waited_for(catalogue: Catalogue) -> None:
    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(spec_get, model="slow")
        eventually(lambda: catalogue.asked, within=10)
        spec_forget()
        after = pool.submit(spec_get, model="slow", until=within(20))
        eventually(lambda: catalogue.asked == ["slow", "slow"], within=10)
        catalogue.let.set()
        assert before.result(10) == after.result(10)


def test_a_read_that_began_before_a_change_is_not_remembered(catalogue: Catalogue) -> None:
    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(spec_get, model="slow")
        eventually(lambda: catalogue.asked, within=10)
        spec_forget()
        catalogue.let.set()
        before.result(10)
    spec_get(model="slow")
    assert catalogue.asked == ["slow", "slow"]
