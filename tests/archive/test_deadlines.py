from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from altlas.kernel.errors import DeadlineExceeded
from archive import counts
from archive.conf import conf
from archive.database import fetch
from archive.deadlines import Deadline
from archive.filters import RecordFilters
from tests.archive.scenario import records

pytestmark = pytest.mark.django_db(transaction=True)
RECORDS = "/api/v1/archive/records"


@contextmanager
def locked(statement: str) -> Iterator[None]:
    """Hold the locks that ``statement`` takes, in a session of its own."""
    options = connection.get_connection_params()
    with (
        psycopg.connect(host=options["host"], user=options["user"], dbname=options["dbname"]) as other,
        other.transaction(),
    ):
        other.execute(statement)  # type: ignore[arg-type]  # fixed texts
        yield


@pytest.mark.parametrize(
    "address", [RECORDS, f"{RECORDS}?count=capped", "/api/v1/archive/search?q=a", "/api/v1/archive/stats"]
)
def test_a_read_that_is_held_up_ends_with_504_in_its_time(
    client_of: Any, ada: Any, monkeypatch: Any, address: str
) -> None:
    for name in ("list_timeout", "search_timeout", "stats_timeout", "count_timeout"):
        monkeypatch.setattr(conf, name, 0.3)
    client = client_of(ada)
    with locked("LOCK TABLE archive_record IN ACCESS EXCLUSIVE MODE"):
        begin = time.monotonic()
        answer = client.get(address)
        took = time.monotonic() - begin
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline_exceeded")
    assert took < 10
    monkeypatch.undo()  # which was for what is held up: anything may take a third of a second
    assert client.get(address).status_code == 200


def test_a_write_that_waits_for_a_lock_ends_with_503(client_of: Any, ada: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(conf, "lock_timeout", 0.3)
    record = records(ada.pk, 1)[0]
    client = client_of(ada)
    with locked("SELECT * FROM archive_record FOR UPDATE"):
        answer = client.patch(f"{RECORDS}/{record.pk}", {"title": "x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer["Retry-After"]
    monkeypatch.undo()
    assert client.patch(f"{RECORDS}/{record.pk}", {"title": "x"}).status_code == 200


def test_the_timeout_of_a_query_is_gone_after_it() -> None:
    before = fetch("SHOW statement_timeout")
    (found,) = fetch("SHOW statement_timeout", deadline=Deadline.within(1.5))[0]
    assert 500 < int(found.removesuffix("ms")) <= 1500
    assert fetch("SHOW statement_timeout") == before


def test_a_deadline_that_has_passed_asks_nothing_of_the_database() -> None:
    with pytest.raises(DeadlineExceeded):
        fetch("SELECT 1", deadline=Deadline.within(-1))


def test_an_exact_count_that_takes_too_long_becomes_an_estimate(ada: Any, monkeypatch: Any) -> None:
    records(ada.pk, 10)
    monkeypatch.setattr(conf, "count_timeout", 0.2)
    real = counts.fetch

    def slow(sql: str, *args: Any, **kwargs: Any) -> Any:
        return real(sql.replace("count(*)", "count(*), pg_sleep(5)"), *args, **kwargs)

    monkeypatch.setattr(counts, "fetch", slow)
    assert counts.of_records(RecordFilters(owner_id=ada.pk), counts.Mode.EXACT).relation == "approx"
