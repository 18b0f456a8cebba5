from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from altlas.kernel.redis import client as redis_client
from archive import cache, services
from archive.cache import Rendered, connection, generations
from archive.conf import conf
from archive.metrics import CACHE_READS
from tests.archive.scenario import records
from tests.archive.threads import together

pytestmark = pytest.mark.django_db(transaction=True)
RECORDS = "/api/v1/archive/records"


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    redis_client("cache").flushdb()
    connection.resume()
    yield
    connection.resume()
    generations._pending.clear()


def titles(client: Any, **query: Any) -> list[str]:
    return [row["title"] for row in client.get(RECORDS, query).json()["results"]]


def archive_queries(client: Any, address: str = RECORDS) -> int:
    with CaptureQueriesContext(database) as queries:
        assert client.get(address).status_code in (200, 304)
    return len([query for query in queries if "archive_" in query["sql"]])


@pytest.mark.parametrize(
    "address",
    [
        RECORDS,
        f"{RECORDS}?limit=3&ordering=title&count=exact",
        "/api/v1/archive/search?q=text",
        "/api/v1/archive/stats",
    ],
)
def test_a_second_read_asks_nothing_of_the_database(client_of: Any, ada: Any, address: str) -> None:
    records(ada.pk, 5)
    client = client_of(ada)
    first = client.get(address)
    assert archive_queries(client, address) == 0
    again = client.get(address)
    assert (again.content, again.get("Link"), again["ETag"]) == (first.content, first.get("Link"), first["ETag"])
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304


@pytest.mark.parametrize("verb", ["create", "update", "delete", "restore"])
def test_a_writer_sees_its_write_at_once(client_of: Any, ada: Any, verb: str) -> None:
    client = client_of(ada)
    record = records(ada.pk, 1, title="before", status="active")[0]
    if verb == "restore":
        services.record_delete(record_id=record.pk, owner_id=ada.pk)
    before = titles(client)
    assert titles(client) == before
    if verb == "create":
        client.post(RECORDS, {"kind": "note", "title": "new"})
    elif verb == "update":
        client.patch(f"{RECORDS}/{record.pk}", {"title": "after"})
    elif verb == "delete":
        client.delete(f"{RECORDS}/{record.pk}")
    else:
        client.post(f"{RECORDS}/{record.pk}/restore")
    wanted = {"create": ["before", "new"], "update": ["after"], "delete": [], "restore": ["before"]}[verb]
    assert sorted(titles(client)) == wanted


def test_a_write_leaves_other_owners_entries_alone(client_of: Any, ada: Any, bob: Any) -> None:
    reader = client_of(bob)
    titles(reader)
    client_of(ada).post(RECORDS, {"kind": "note"})
    assert archive_queries(reader) == 0


def test_the_list_of_everybody_is_stale_after_anybodys_write(client_of: Any, ada: Any, bob: Any) -> None:
    reader = client_of(ada, ["archive:read", "archive:all"])
    assert titles(reader, owner="*") == []
    client_of(bob).post(RECORDS, {"kind": "note", "title": "theirs"})
    assert titles(reader, owner="*") == ["theirs"]


def test_a_write_between_reading_and_storing_makes_the_stored_answer_stale(ada: Any) -> None:
    def render() -> Rendered:
        cache.invalidate(ada.pk)  # another request commits while this one still reads
        return Rendered(body=b"old")

    def read(render: Any) -> bytes:
        return cache.rendered(route="list", owner_id=ada.pk, parts=["x"], render=render).body

    assert read(render) == b"old"
    assert read(lambda: Rendered(body=b"new")) == b"new"


def test_a_generation_that_redis_lost_revives_nothing(ada: Any) -> None:
    def read(body: bytes) -> bytes:
        return cache.rendered(route="list", owner_id=ada.pk, parts=["x"], render=lambda: Rendered(body=body)).body

    assert [read(b"1"), read(b"2")] == [b"1", b"1"]
    redis_client("cache").delete(generations.name_of(ada.pk))
    assert read(b"3") == b"3"


def test_what_a_transaction_reads_is_not_kept(ada: Any) -> None:
    with transaction.atomic():
        cache.rendered(route="list", owner_id=ada.pk, parts=["x"], render=lambda: Rendered(body=b"mine"))
    seen = cache.rendered(route="list", owner_id=ada.pk, parts=["x"], render=lambda: Rendered(body=b"all"))
    assert seen.body == b"all"


def test_many_readers_of_a_cold_answer_make_it_once(ada: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(conf, "cache_wait", 20)  # two dozen threads of one process get on slowly
    made = []
    started = threading.Event()

    def render() -> Rendered:
        made.append(1)
        started.wait(0.2)
        return Rendered(body=b"x")

    def read() -> bytes:
        return cache.rendered(route="list", owner_id=ada.pk, parts=["cold"], render=render).body

    assert set(together(*[read] * 24)) == {b"x"}
    assert len(made) == 1


def test_a_reader_that_looked_before_another_was_done_does_not_make_the_answer_again(
    ada: Any, monkeypatch: Any
) -> None:
    made = []

    def render() -> Rendered:
        made.append(1)
        return Rendered(body=b"x")

    def read() -> bytes:
        return cache.rendered(route="list", owner_id=ada.pk, parts=["late"], render=render).body

    take_off = cache.store._take_off

    def late(key: str) -> str:
        monkeypatch.setattr(cache.store, "_take_off", take_off)
        read()
        return take_off(key)

    monkeypatch.setattr(cache.store, "_take_off", late)
    assert read() == b"x"
    assert len(made) == 1
    assert not list(redis_client("cache").scan_iter("*:flight"))


def test_a_reader_whose_forerunner_died_goes_on_by_itself(ada: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(conf, "cache_wait", 0.1)
    key = cache.store._key("list", generations.name_of(ada.pk), ["x"])
    redis_client("cache").set(f"{key}:flight", "dead", px=60_000)
    assert cache.rendered(route="list", owner_id=ada.pk, parts=["x"], render=lambda: Rendered(body=b"x")).body == b"x"


def test_an_answer_that_is_too_large_is_not_kept(ada: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(conf, "cache_max_value", 10)
    for body in (b"a" * 11, b"b" * 11):
        seen = cache.rendered(route="list", owner_id=ada.pk, parts=["x"], render=lambda body=body: Rendered(body=body))
        assert seen.body == body


def test_without_redis_answers_are_made_anew_and_counted(client_of: Any, ada: Any, monkeypatch: Any) -> None:
    client = client_of(ada)
    records(ada.pk, 1, title="it")
    titles(client)
    broken = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr(connection, "client", lambda role: broken)
    bypassed = CACHE_READS.labels("list", "bypass")._value.get()
    assert titles(client) == ["it"]
    client.post(RECORDS, {"kind": "note", "title": "new"})
    assert sorted(titles(client)) == ["it", "new"]
    assert CACHE_READS.labels("list", "bypass")._value.get() == bypassed + 2
    # Redis is back, still with the page from before the write: this process raises the generation before it reads.
    monkeypatch.undo()
    connection.resume()
    assert sorted(titles(client)) == ["it", "new"]
    assert not generations._pending
