"""An alias never points at a retired version, in whatever order the two transactions run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from altlas.kernel.errors import AltlasError, Conflict
from orchestrator import services
from orchestrator.exceptions import ModelNotFound
from orchestrator.models import Alias, ModelVersion, VersionStatus
from orchestrator.services import aliases, catalogue
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def proved(drill: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """``drill`` with two versions, each of which loads at once."""
    services.model_register(name=drill, task="echo", source="echo://", version="2")
    monkeypatch.setattr(aliases, "prove", lambda *_, **__: None)
    monkeypatch.setattr(aliases, "policy_apply", lambda **_: 0)
    return drill


def beside(pool: ThreadPoolExecutor, call: Callable[[], Any]) -> Future[Any]:
    def run() -> Any:
        try:
            return call()
        finally:
            connection.close()

    return pool.submit(run)


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def status_of(version: str) -> str:
    return str(ModelVersion.objects.get(version=version, model__name="drill").status)


def test_moving_removing_retiring_and_loading_at_once_never_wait_for_each_other_in_a_circle(proved: str) -> None:
    def attempt(call: Callable[[], Any]) -> None:
        with suppress(AltlasError):
            call()

    for _ in range(10):
        calls: list[Callable[[], Any]] = [
            lambda: services.alias_set(model=proved, name="stable", version="2"),
            lambda: services.alias_remove(model=proved, name="stable"),
            lambda: catalogue.version_retire(model=proved, version="2"),
            lambda: catalogue.loaded_record(model=proved, version="2", measured_bytes=1, seconds=0.1),
            lambda: services.runtime_set(model=proved, version="2", runtime="torch"),
        ]
        with ThreadPoolExecutor(len(calls)) as pool:
            for done in [beside(pool, partial(attempt, call)) for call in calls]:
                done.result(30)
        pointed = {found.version.status for found in Alias.objects.select_related("version")}
        assert VersionStatus.RETIRED not in pointed
        services.model_register(name=proved, task="echo", source="echo://", version="2")  # it comes back


def test_a_version_that_is_retired_while_it_is_proved_gets_no_alias(
    proved: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliases, "prove", lambda *_, **__: catalogue.version_retire(model=proved, version="2"))
    with pytest.raises(ModelNotFound, match="retired meanwhile"):
        services.alias_set(model=proved, name="stable", version="2")
    assert not Alias.objects.exists()


@pytest.mark.parametrize("moves", [False, True])
def test_an_alias_waits_for_a_retirement_and_stays_where_it_was(proved: str, moves: bool) -> None:
    if moves:
        services.alias_set(model=proved, name="stable", version="1")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            catalogue.version_retire(model=proved, version="2")
            alias = beside(pool, lambda: services.alias_set(model=proved, name="stable", version="2"))
            eventually(lambda: waits_for_a_lock() or alias.done(), within=10)
        with pytest.raises(ModelNotFound, match="retired meanwhile"):
            alias.result(10)
    assert [found.version.version for found in Alias.objects.all()] == (["1"] if moves else [])


@pytest.mark.parametrize("moves", [False, True])
def test_a_retirement_waits_for_an_alias_and_is_refused(proved: str, moves: bool) -> None:
    if moves:
        services.alias_set(model=proved, name="stable", version="1")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            services.alias_set(model=proved, name="stable", version="2")
            retired = beside(pool, lambda: catalogue.version_retire(model=proved, version="2"))
            eventually(lambda: waits_for_a_lock() or retired.done(), within=10)
        with pytest.raises(Conflict, match="move the alias first"):
            retired.result(10)
    assert status_of("2") != VersionStatus.RETIRED
