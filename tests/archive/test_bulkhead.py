from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from altlas.kernel.errors import Unavailable
from archive.bulkhead import BULKHEAD, Bulkhead, places
from archive.conf import conf
from tests.archive.scenario import records

RECORDS = "/api/v1/archive/records"


@pytest.fixture
def full(monkeypatch: Any) -> Iterator[None]:
    monkeypatch.setattr(conf, "concurrent", 2)
    with ExitStack() as taken:
        for _ in range(2):
            taken.enter_context(BULKHEAD.place())
        BULKHEAD._moved_at -= 60  # and they stay
        yield


@pytest.mark.django_db
def test_a_request_too_many_is_refused_at_once_and_the_next_is_answered(
    client_of: Any, ada: Any, full: None, monkeypatch: Any
) -> None:
    records(ada.pk, 1)
    refused = client_of(ada).get(RECORDS)
    assert (refused.status_code, refused["Retry-After"]) == (503, "1")
    monkeypatch.setattr(conf, "concurrent", 3)
    for _ in range(5):  # every place is given back
        assert client_of(ada).get(RECORDS).status_code == 200


@pytest.mark.django_db
def test_a_place_is_given_back_whatever_the_answer(client_of: Any, ada: Any) -> None:
    for query in ({"cursor": "x"}, {"limit": "0"}, {}):
        client_of(ada).get(RECORDS, query)
    assert BULKHEAD._taken == 0


def test_while_things_move_a_request_waits_for_its_place(monkeypatch: Any) -> None:
    monkeypatch.setattr("archive.bulkhead._PATIENCE", 10)  # a thread of a busy machine may take its time to leave
    bulkhead = Bulkhead(size=lambda: 1)
    with bulkhead.place():
        pass
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with bulkhead.place():
            entered.set()
            leave.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(10)
    bulkhead._wait, patient = lambda: (leave.set(), patient())[1], bulkhead._wait
    with bulkhead.place():
        pass
    holder.join()


def test_while_nothing_moves_nobody_waits() -> None:
    times = [100.0]
    bulkhead = Bulkhead(size=lambda: 1, clock=lambda: times[0])
    bulkhead._changed.wait_for = lambda *_: pytest.fail("waited")  # type: ignore[method-assign, assignment]
    with bulkhead.place():
        times[0] += 1
        with pytest.raises(Unavailable), bulkhead.place():
            pass
    assert bulkhead._taken == 0


def test_a_burst_after_a_rest_is_not_taken_for_being_stuck() -> None:
    times = [100.0]
    bulkhead = Bulkhead(size=lambda: 1, clock=lambda: times[0])
    waited = []
    bulkhead._changed.wait_for = lambda *_: bool(waited.append(1))  # type: ignore[method-assign, assignment]
    times[0] += 60  # nobody came for a minute
    with bulkhead.place(), pytest.raises(Unavailable), bulkhead.place():
        pass
    assert waited


def test_two_threads_of_a_process_stay_free(settings: Any) -> None:
    settings.WEB_THREADS = 8
    assert places() == 6
    settings.WEB_THREADS = 1
    assert places() == 1
