"""A request may take what its caller gave it, whatever the clocks of the two machines say."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from altlas.kernel import replies
from orchestrator import lane
from orchestrator.conf import conf
from orchestrator.exceptions import NodeUnavailable
from orchestrator.lane import Door, LaneReaders, Slots
from tests.support.waiting import eventually


@pytest.fixture
def node() -> str:
    return f"clocks-{uuid.uuid4()}"


@pytest.fixture(params=[-100.0, 100.0])
def skew(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads of the node see another time than the rest of the process."""
    real = time.time

    def seen() -> float:
        name = threading.current_thread().name
        return real() + (request.param if name.startswith(("lane-", "door-")) else 0.0)

    monkeypatch.setattr(time, "time", seen)


def left_of(request: dict[str, Any]) -> dict[str, Any]:
    return {"left": request["until"] - time.monotonic()}


@contextmanager
def reading(node: str, served: list[str]) -> Iterator[None]:
    def serve(request: dict[str, Any]) -> None:
        served.append(request["name"])
        replies.send(request["reply_id"], left_of(request))

    readers = LaneReaders(node, threads=1, serve=serve)
    readers.start()
    try:
        yield
    finally:
        readers.stop()


def ask(node: str, name: str = "x", *, seconds: float) -> dict[str, Any] | None:
    return lane.ask(node, {"name": name}, seconds=seconds, alive=lambda _node: True)


def test_a_request_over_redis_has_the_seconds_that_it_was_given(node: str, skew: None) -> None:
    with reading(node, []):
        answer = ask(node, seconds=20)
    assert answer is not None and 10 < answer["left"] <= 20


def test_a_request_through_the_door_has_the_seconds_that_it_was_given(node: str, skew: None) -> None:
    door = Door(node, slots=Slots(1), threads=1, serve=lambda request, send: send(left_of(request)))
    door.start()
    try:
        answer = ask(node, seconds=20)
    finally:
        door.stop()
    assert answer is not None and 10 < answer["left"] <= 20


def test_time_in_the_list_counts_and_what_has_waited_too_long_is_not_served(node: str, skew: None) -> None:
    served: list[str] = []
    assert ask(node, "late", seconds=0.05) is None
    answers: list[Any] = []
    caller = threading.Thread(target=lambda: answers.append(ask(node, "in time", seconds=20)), daemon=True)
    caller.start()
    eventually(lambda: lane.length(node) == 2, within=10)
    time.sleep(0.3)  # in the list
    with reading(node, served):
        caller.join(20)
    assert served == ["in time"]
    assert answers[0]["left"] <= 19.7


def test_a_list_that_is_full_takes_no_more(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf, "lane_queue", 1)
    assert ask(node, "first", seconds=0.05) is None
    with pytest.raises(NodeUnavailable, match="more requests than it can take"):
        ask(node, "second", seconds=5)
    assert lane.length(node) == 1
