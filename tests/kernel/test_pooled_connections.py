"""A pooled connection is looked at before use: no round trip while it is quiet, never a broken one."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection
from psycopg_pool import ConnectionPool

from altlas.kernel.postgresql import base
from tests.support.waiting import eventually


def a_connection() -> psycopg.Connection[tuple[object, ...]]:
    connection.ensure_connection()
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters}
    return psycopg.connect(**wanted, autocommit=True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    found: list[object] = []
    real = ConnectionPool.check_connection
    monkeypatch.setattr(ConnectionPool, "check_connection", lambda one: (found.append(one), real(one)))
    return found


@pytest.mark.django_db
def test_a_quiet_connection_is_asked_once_and_then_only_looked_at(asked: list[object]) -> None:
    with a_connection() as idle:
        for _ in range(5):
            base.check(idle)
        assert asked == [idle]


@pytest.mark.django_db
def test_after_a_pause_it_is_asked_again(asked: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    with a_connection() as idle:
        base.check(idle)
        monkeypatch.setattr(base, "ASK_AFTER", -1.0)
        base.check(idle)
        assert len(asked) == 2


@pytest.mark.django_db
def test_a_connection_that_the_server_has_ended_is_refused_at_once(asked: list[object]) -> None:
    with a_connection() as idle, a_connection() as other:
        base.check(idle)
        other.execute("SELECT pg_terminate_backend(%s)", [idle.info.backend_pid])

        def ended() -> bool:
            asked = other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [idle.info.backend_pid])
            return asked.fetchone() is None

        eventually(ended, within=20)
        with pytest.raises(psycopg.OperationalError):
            base.check(idle)


@pytest.mark.django_db
def test_the_products_pool_looks_rather_than_asks() -> None:
    pool = connection.pool
    if pool is None:
        pytest.skip("this run has no pool")
    assert pool._check is base.check
