"""A copy of the database that never catches up stands in for a replica: whoever reads it sees the past."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.utils import load_backend

from altlas.kernel.redis import client as redis_client
from archive import replica, services
from archive.cache import connection as cache_connection
from archive.cache import generations
from archive.conf import conf
from archive.models import Record
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db(transaction=True)
RECORDS = "/api/v1/archive/records"


@pytest.fixture
def frozen(ada: Any, bob: Any, monkeypatch: Any) -> Iterator[None]:
    """Both owners have one record; then the replica stops following."""
    redis_client("cache").flushdb()
    cache_connection.resume()
    for owner in (ada, bob):
        records(owner.pk, 1, title="before", status="active")
    options = dict(connection.get_connection_params())
    options.pop("cursor_factory", None)
    name = f"{options['dbname']}_replica"
    connection.close()
    connection.close_pool()
    with psycopg.connect(**{**options, "dbname": "postgres"}, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {options['dbname']}")
    own = {**connections.settings["default"], "NAME": name, "OPTIONS": {**connections.settings["default"]["OPTIONS"]}}
    own["OPTIONS"].pop("pool")
    # Under the name of the test database, for tests may not open others.
    connections["replica"] = load_backend(own["ENGINE"]).DatabaseWrapper(own, "default")
    monkeypatch.setitem(settings.DATABASES, "replica", own)
    monkeypatch.setattr(conf, "cache_enabled", False)
    yield
    connections["replica"].close()
    del connections["replica"]
    generations._pending.clear()
    cache_connection.resume()
    with psycopg.connect(**{**options, "dbname": "postgres"}, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def titles(client: Any, **query: Any) -> list[str]:
    return [row["title"] for row in client.get(RECORDS, query).json()["results"]]


@pytest.mark.usefixtures("frozen")
def test_reads_go_to_the_replica_and_ones_own_writes_are_read_at_once(client_of: Any, ada: Any, bob: Any) -> None:
    Record.objects.update(title="after")
    assert titles(client_of(ada)) == ["before"]
    services.record_create(owner_id=ada.pk, kind="note", title="mine", text="", payload={})
    assert titles(client_of(ada)) == ["mine", "after"]
    # Who wrote nothing still reads from the replica.
    assert titles(client_of(bob)) == ["before"]
    # Everybody's records include those that were just written.
    everything = client_of(bob, ["archive:read", "archive:all"])
    assert "mine" in titles(everything, owner="*") and "mine" in titles(everything, owner=str(ada.pk))


@pytest.mark.usefixtures("frozen")
def test_the_pin_ends(client_of: Any, ada: Any, monkeypatch: Any) -> None:
    services.record_create(owner_id=ada.pk, kind="note", title="mine", text="", payload={})
    assert titles(client_of(ada)) == ["mine", "before"]
    redis_client("cache").delete(generations.pin_name(ada.pk))
    assert titles(client_of(ada)) == ["before"]


@pytest.mark.usefixtures("frozen")
def test_a_write_that_is_undone_pins_nobody(ada: Any) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        services.record_create(owner_id=ada.pk, kind="note", title="mine", text="", payload={})
        raise RuntimeError
    with replica.reads_of(ada.pk):
        assert replica.alias() == "replica"


@pytest.mark.usefixtures("frozen")
def test_without_redis_everybody_reads_from_the_primary(client_of: Any, ada: Any, monkeypatch: Any) -> None:
    Record.objects.update(title="after")
    monkeypatch.setattr(cache_connection, "_blocked_until", float("inf"))
    assert titles(client_of(ada)) == ["after"]


@pytest.mark.usefixtures("frozen")
def test_inside_of_a_transaction_the_primary_answers(ada: Any) -> None:
    with replica.reads_of(ada.pk), transaction.atomic():
        assert replica.alias() == "default"


def test_without_a_replica_nothing_is_asked_of_redis(ada: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(cache_connection, "attempt", lambda call: pytest.fail("asked Redis"))
    with replica.reads_of(ada.pk):
        assert replica.alias() == "default"
