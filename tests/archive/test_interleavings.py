"""No reader is served what was replaced before the reader began: two writers and readers in ten thousand orders.

A reader's steps are: read the generation, read the database, store. A writer's are: commit, raise the generation (only
then is it answered). A schedule runs steps of others inside of a reader, before and after its look at the database, so
every order of these steps occurs. Redis and the cache are the real ones; the database is one number.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from altlas.kernel.redis import client as redis_client
from archive import cache, services
from archive.cache import Rendered, generations
from archive.cache import connection as cache_connection
from archive.conf import conf
from archive.models import Record
from tests.archive.scenario import records
from tests.archive.threads import together

SCHEDULES = 10_000


@pytest.fixture(autouse=True)
def fresh(monkeypatch: Any) -> Iterator[None]:
    monkeypatch.setattr(conf, "cache_wait", 0)
    redis_client("cache").flushdb()
    cache_connection.resume()
    yield
    generations._pending.clear()


class Schedule:
    def __init__(self, owner_id: UUID, dice: random.Random) -> None:
        self.owner_id, self.dice = owner_id, dice
        self.committed = self.acknowledged = self.reads = 0
        self.writing: list[int | None] = [None, None]

    def run(self) -> None:
        for _ in range(2):
            self.act(0)
        self.read(0)

    def act(self, depth: int) -> None:
        choice = self.dice.randrange(5)
        if choice < 2:
            self.write(choice)
        elif choice < 4 and depth < 3:
            self.read(depth)
        elif self.dice.random() < 0.1:
            redis_client("cache").delete(generations.name_of(self.owner_id))  # evicted

    def write(self, writer: int) -> None:
        if self.writing[writer] is None:
            self.committed += 1
            self.writing[writer] = self.committed
        else:
            generations._raise({generations.name_of(self.owner_id), generations.name_of(None)})
            self.acknowledged = max(self.acknowledged, self.writing[writer] or 0)
            self.writing[writer] = None

    def read(self, depth: int) -> None:
        floor = self.acknowledged

        def render() -> Rendered:
            for _ in range(self.dice.randrange(2)):
                self.act(depth + 1)
            seen = self.committed
            for _ in range(self.dice.randrange(2)):
                self.act(depth + 1)
            return Rendered(body=str(seen).encode())

        answer = cache.rendered(route="list", owner_id=self.owner_id, parts=["x"], render=render)
        assert int(answer.body) >= floor, f"{answer.body!r} was replaced by {floor} before this read began"
        self.reads += 1


# Without a transaction around the test, inside of which the cache would stand aside.
@pytest.mark.django_db(transaction=True)
def test_no_order_of_two_writers_and_readers_serves_what_was_replaced() -> None:
    reads = 0
    for seed in range(SCHEDULES):
        schedule = Schedule(uuid4(), random.Random(seed))
        schedule.run()
        reads += schedule.reads
    assert reads > SCHEDULES


@pytest.mark.django_db(transaction=True)
def test_an_invalidation_before_the_commit_would_be_noticed() -> None:
    """The check can fail: raised first and committed after, a schedule serves the past."""

    class Wrong(Schedule):
        def write(self, writer: int) -> None:
            if self.writing[writer] is None:
                generations._raise({generations.name_of(self.owner_id)})
                self.writing[writer] = 1
            else:
                self.committed += 1
                self.acknowledged = self.committed
                self.writing[writer] = None

    with pytest.raises(AssertionError, match="was replaced by"):
        for seed in range(SCHEDULES):
            Wrong(uuid4(), random.Random(seed)).run()


@pytest.mark.django_db(transaction=True)
def test_writers_read_their_own_writes_through_the_api_while_others_write(client_of: Any, ada: Any) -> None:
    made = records(ada.pk, 2, title="0", status="active")
    acknowledged = {str(record.pk): 0 for record in made}
    stop = threading.Event()

    def write(record: Record) -> int:
        client = client_of(ada)
        address = "/api/v1/archive/records?ordering=title"
        try:
            for number in range(60):
                title = f"{number:03} of {record.pk}"
                services.record_update(record_id=record.pk, owner_id=ada.pk, changes={"title": title})
                acknowledged[str(record.pk)] = number
                assert title in [row["title"] for row in client.get(address).json()["results"]]
        finally:
            stop.set()
        return number

    def read() -> int:
        client, reads = client_of(ada), 0
        while not stop.is_set():
            # What is committed and not yet acknowledged may be seen, and once more what it replaces.
            floor = dict(acknowledged)
            for row in client.get("/api/v1/archive/records?ordering=title").json()["results"]:
                assert int(row["title"].split(" ")[0]) >= floor[row["id"]]
            reads += 1
        return reads

    together(lambda: write(made[0]), lambda: write(made[1]), read, read)
