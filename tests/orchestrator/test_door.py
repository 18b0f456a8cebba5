"""A node's door: one hop for what can be taken at once, the list in Redis for all that has to wait."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from altlas.kernel import replies
from altlas.kernel.errors import Unavailable
from orchestrator import lane
from orchestrator.exceptions import NodeUnavailable
from orchestrator.lane import Door, LaneReaders, Slots, door, queue
from orchestrator.selectors import cluster
from orchestrator.selectors.cluster import node_alive
from tests.support.stack import ROOT
from tests.support.waiting import eventually

Send = Callable[[dict[str, Any]], None]


@pytest.fixture(autouse=True)
def doors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Doors far down: their paths are longer than what the kernel takes for a socket."""
    found = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 5)
    monkeypatch.setattr(door, "folder", lambda: found)
    yield found
    for kept in door._kept.values():
        while kept:
            kept.pop().close()


@pytest.fixture
def node() -> str:
    return f"door-{uuid.uuid4()}"


def ask(node: str, name: str = "x", seconds: float = 10, alive: Callable[[str], bool] = lambda _node: True) -> Any:
    return lane.ask(node, {"name": name}, seconds=seconds, alive=alive)


def echo(request: dict[str, Any], send: Send) -> None:
    send({"name": request["name"], "by": "door"})


class Held:
    """Serves when it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Semaphore(0), threading.Event()

    def __call__(self, request: dict[str, Any], send: Send) -> None:
        self.begun.release()
        self.go.wait(20)
        echo(request, send)


def opened(node: str, serve: Callable[[dict[str, Any], Send], None], *, slots: Slots, threads: int = 2) -> Door:
    found = Door(node, slots=slots, threads=threads, serve=serve)
    found.start()
    return found


def test_what_can_be_taken_at_once_goes_through_the_door_and_keeps_its_connection(node: str, doors: Path) -> None:
    here = opened(node, echo, slots=Slots(2))
    try:
        assert [ask(node, name)["name"] for name in ("one", "two", "three")] == ["one", "two", "three"]
        assert len(door._kept[node]) == 1
        assert doors.stat().st_mode & 0o777 == 0o700
    finally:
        here.stop()
    assert not list(doors.iterdir())


def test_a_node_without_a_free_slot_is_asked_over_redis(node: str) -> None:
    held, slots = Held(), Slots(1)
    here = opened(node, held, slots=slots)
    answers: list[Any] = []
    callers = [threading.Thread(target=lambda: answers.append(ask(node)), daemon=True) for _ in range(2)]
    callers[0].start()
    assert held.begun.acquire(timeout=10)
    callers[1].start()
    eventually(lambda: lane.length(node) == 1, within=10)
    readers = LaneReaders(
        node,
        threads=1,
        slots=slots,
        serve=lambda request: replies.send(request["reply_id"], {"by": "redis", "name": request["name"]}),
    )
    readers.start()
    try:
        eventually(lambda: lane.length(node) == 0, within=10)
        time.sleep(0.2)
        assert not answers, "one slot, so one request at a time, whichever way they came"
        held.go.set()
        for caller in callers:
            caller.join(10)
        assert sorted(answer["by"] for answer in answers) == ["door", "redis"]
    finally:
        held.go.set()
        here.stop()
        readers.stop()


def test_who_cannot_wait_does_not_overtake_who_does() -> None:
    slots = Slots(1)
    slots.take()
    waiting = threading.Thread(target=slots.take, daemon=True)
    waiting.start()
    eventually(lambda: slots._waiting == 1, within=5)
    slots.give_back()
    waiting.join(5)
    assert not slots.take_free()
    slots.give_back()
    assert slots.take_free()


def test_an_answer_that_came_too_late_is_not_that_of_the_next_request(node: str) -> None:
    held = Held()
    here = opened(node, held, slots=Slots(2))
    try:
        assert ask(node, "late", seconds=0.1) is None
        held.go.set()
        assert ask(node, "next")["name"] == "next"
    finally:
        held.go.set()
        here.stop()


class Signs:
    """Says of a node what it is told, one after the other, and from then on the last."""

    def __init__(self, *said: bool | None) -> None:
        self._said, self.asked = list(said), 0

    def __call__(self, _node: str) -> bool | None:
        self.asked += 1
        return self._said[min(self.asked, len(self._said)) - 1]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits looks often."""
    for module in (door, queue):
        monkeypatch.setattr(module, "_SLICE", 0.05)


@pytest.mark.parametrize("near", [True, False])
@pytest.mark.parametrize("said", [(None, None, None, True), (False, True, False, True)])
def test_a_redis_that_does_not_answer_or_has_lost_a_sign_costs_no_request(
    node: str, hasty: None, near: bool, said: tuple[bool | None, ...]
) -> None:
    held, signs = Held(), Signs(*said)
    here = opened(node, held, slots=Slots(1))
    readers = LaneReaders(
        node, threads=1, serve=lambda request: held(request, partial(replies.send, request["reply_id"]))
    )
    readers.start()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lane.ask, node, {"name": "x"}, seconds=20, alive=signs, near=near)
        try:
            eventually(lambda: signs.asked > len(said) or asked.done(), within=10)
            held.go.set()
            answer = asked.result(10)
            assert answer is not None and answer["name"] == "x"
        finally:
            held.go.set()
            here.stop()
            readers.stop()


@pytest.mark.parametrize("near", [True, False])
def test_a_node_without_signs_of_life_is_not_waited_for(node: str, hasty: None, near: bool) -> None:
    held = Held()
    here = opened(node, held, slots=Slots(1))
    try:
        with pytest.raises(NodeUnavailable):
            lane.ask(node, {"name": "x"}, seconds=20, alive=Signs(False), near=near)
    finally:
        held.go.set()
        here.stop()


@pytest.mark.parametrize("failures", [3, 1000])
def test_a_short_outage_of_redis_costs_a_waiting_request_when_its_time_is_over(
    node: str, hasty: None, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    receive, failed = replies.receive, list[str]()

    def broken(reply_id: str, *, timeout: float) -> Any:
        if len(failed) < failures:
            failed.append(reply_id)
            raise Unavailable("away")
        return receive(reply_id, timeout=timeout)

    monkeypatch.setattr(replies, "receive", broken)
    readers = LaneReaders(node, threads=1, serve=lambda request: answers.append(request["reply_id"]))
    answers: list[str] = []
    readers.start()
    with ThreadPoolExecutor(1) as pool:
        seconds = 20 if failures == 3 else 1
        asked = pool.submit(lane.ask, node, {"name": "x"}, seconds=seconds, alive=lambda _node: None, near=False)
        try:
            eventually(lambda: len(failed) >= 3, within=10)
            if failures == 3:
                (reply_id,) = eventually(lambda: answers, within=10)
                replies.send(reply_id, {"name": "x"})
                assert asked.result(20) == {"name": "x"}
            else:
                assert isinstance(asked.exception(10), Unavailable)
                assert len(failed) < 50  # with pauses between them
        finally:
            readers.stop()


def test_of_a_node_nothing_is_known_while_redis_is_away(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert node_alive(node) is False

    def away(_role: str) -> Any:
        raise redis.ConnectionError

    monkeypatch.setattr(cluster, "client", away)
    assert node_alive(node) is None


def test_a_defect_costs_its_own_request_only(node: str) -> None:
    def serve(request: dict[str, Any], send: Send) -> None:
        if request["name"] == "bad":
            raise RuntimeError("a defect")
        echo(request, send)

    here = opened(node, serve, slots=Slots(1), threads=1)
    try:
        for _ in range(3):
            with pytest.raises(NodeUnavailable):
                ask(node, "bad")
        assert ask(node, "good")["name"] == "good"
    finally:
        here.stop()


class Full:
    """A listener in a process that has no descriptor left for a while."""

    def __init__(self, listener: socket.socket, *, failures: int) -> None:
        self._listener, self._failures = listener, failures
        self.asked = 0

    def accept(self) -> Any:
        self.asked += 1
        if self._failures > 0:
            self._failures -= 1
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return self._listener.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)


def test_a_process_without_descriptors_does_not_turn_for_a_caller_that_knocks(node: str) -> None:
    here = opened(node, echo, slots=Slots(2))
    assert here._listener is not None
    full = here._listener = Full(here._listener, failures=10)  # type: ignore[assignment]
    try:
        begun = time.monotonic()
        assert ask(node)["by"] == "door"
        assert time.monotonic() - begun > 0.3, "three threads, ten failures: each paused after each"
        assert isinstance(full, Full) and full.asked < 20
    finally:
        here.stop()


def test_a_caller_that_goes_away_costs_nobody_else_anything(node: str) -> None:
    held = Held()
    here = opened(node, held, slots=Slots(1), threads=1)
    try:
        connection = door._connected(node)
        connection.sendall(b"\xff\xff\xff\xff nonsense")
        connection.close()
        gone = door._connected(node)
        door.frames.send(gone, {"name": "gone", "seconds": 10})
        assert held.begun.acquire(timeout=10)
        gone.close()
        held.go.set()
        eventually(lambda: (ask(node, "next", seconds=0.5) or {}).get("by") == "door", within=10)
    finally:
        here.stop()


NODE = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    import django; django.setup()
    from orchestrator.lane import Door, Slots, door

    door.folder = lambda: Path(sys.argv[1])

    def serve(request, send):
        if request["name"] == "for ever":
            print("asked", flush=True)
            time.sleep(60)
        send({"name": request["name"]})

    Door(sys.argv[2], slots=Slots(4), threads=4, serve=serve).start()
    print("open", flush=True)
    time.sleep(120)
""")


@contextmanager
def process(doors: Path, node: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", NODE, str(doors), node]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as found:
        try:
            assert found.stdout is not None and found.stdout.readline() == "open\n"
            yield found
        finally:
            found.kill()


@pytest.mark.slow
def test_a_node_that_is_killed_loses_what_it_had_and_nothing_else(node: str, doors: Path) -> None:
    failures: list[BaseException] = []

    def wait_for_ever() -> None:
        try:
            ask(node, "for ever", seconds=30)
        except NodeUnavailable as exc:
            failures.append(exc)

    with process(doors, node) as first:
        caller = threading.Thread(target=wait_for_ever, daemon=True)
        caller.start()
        for _ in range(3):
            assert ask(node, "quick") == {"name": "quick"}
        assert first.stdout is not None and first.stdout.readline() == "asked\n"
        first.send_signal(signal.SIGKILL)
        caller.join(20)
    assert len(failures) == 1 and failures[0].retry_after == 1  # type: ignore[attr-defined]

    # The socket of the dead is still in its place, and its connections are kept here.
    with process(doors, node):
        assert ask(node, "again") == {"name": "again"}


def test_without_a_place_for_a_door_requests_go_over_redis(node: str, doors: Path) -> None:
    doors.parent.mkdir(parents=True)
    doors.write_text("no folder")
    here = opened(node, echo, slots=Slots(1))
    readers = LaneReaders(node, threads=1, serve=lambda request: replies.send(request["reply_id"], {"by": "redis"}))
    readers.start()
    try:
        assert ask(node) == {"by": "redis"}
    finally:
        here.stop()
        readers.stop()


def test_a_caller_without_descriptors_asks_over_redis(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    here = opened(node, echo, slots=Slots(1))
    readers = LaneReaders(node, threads=1, serve=lambda request: replies.send(request["reply_id"], {"by": "redis"}))
    readers.start()

    def none_left(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(door, "socket", SimpleNamespace(**{**vars(socket), "socket": none_left}))
    try:
        assert ask(node) == {"by": "redis"}
    finally:
        here.stop()
        readers.stop()
