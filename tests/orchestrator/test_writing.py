"""Frames to a process that is slow to read: whoever waits is answered in time, and no frame is left half written."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

import pytest

from orchestrator import exceptions
from orchestrator.runner import frames
from orchestrator.supervisor import runner as runners
from orchestrator.supervisor.forkserver import ForkServer, Spawned
from orchestrator.supervisor.runner import RunnerProcess
from tests.orchestrator.support import echo, supervised, within
from tests.orchestrator.test_faults import stopped
from tests.support.waiting import eventually

LARGE = "y" * 4_000_000


@dataclass
class Silent:
    """A process that answers nothing, and reads when the test does; stands in for the fork server it comes from."""

    process: subprocess.Popen[bytes]
    ours: socket.socket
    theirs: socket.socket
    runner: RunnerProcess = field(init=False)

    def spawn(self, name: str, *, timeout: float) -> Spawned:
        status: Future[int | None] = Future()
        status.set_result(None)
        held, lifeline = os.pipe()
        os.close(held)
        return Spawned(pid=self.process.pid, connection=self.ours, lifeline=lifeline, status=status)

    def read(self) -> dict[str, Any]:
        message = frames.receive(self.theirs)
        assert message is not None
        return message


@contextmanager
def silent() -> Iterator[Silent]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        scene = Silent(process, ours, theirs)
        scene.runner = RunnerProcess(cast("ForkServer", scene), name="silent", timeout=1)
        try:
            yield scene
        finally:
            theirs.close()
            process.kill()
    assert scene.runner.gone.wait(10)


def test_a_process_that_is_slow_to_read_lives_on_though_the_caller_gave_up() -> None:
    with supervised() as scene:
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        pid = scene.pid("echo")
        with stopped(pid):
            for text in (LARGE, "behind it"):
                with pytest.raises(exceptions.InferenceTimeout):
                    scene.supervisor.infer(echo(), [text], deadline=within(0.5))
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        assert scene.pid("echo") == pid


def test_half_a_request_is_finished_and_taken_back_and_nothing_gets_between() -> None:
    with silent() as scene:
        with pytest.raises(exceptions.InferenceTimeout):
            scene.runner.infer([LARGE], params={}, timeout=0.2)
        scene.runner.trim()  # may go unsaid
        asked, cancelled = scene.read(), scene.read()
        assert asked["inputs"] == [LARGE] and cancelled == {"op": "cancel", "id": asked["id"]}
        with pytest.raises(exceptions.InferenceTimeout):
            scene.runner.infer(["next"], params={}, timeout=2.0)
        assert scene.read()["inputs"] == ["next"]


def test_a_process_that_takes_no_more_of_a_begun_request_counts_as_hung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "_ORDER_SECONDS", 0.2)
    with silent() as scene:
        with pytest.raises(exceptions.InferenceTimeout):
            scene.runner.infer([LARGE], params={}, timeout=0.1)
        assert scene.process.wait(10) == -signal.SIGKILL


def test_a_process_is_asked_for_a_sign_of_life_only_while_nobody_else_writes_to_it() -> None:
    with silent() as scene:
        with scene.runner._writing:
            assert not scene.runner.ping()
            first = scene.runner.deaf_since
            assert not scene.runner.ping()
            assert first == scene.runner.deaf_since > 0.0
        assert scene.runner.ping() and scene.runner.deaf_since == 0.0
        assert scene.read()["op"] == "ping"


def test_a_sign_of_life_ends_the_time_in_which_a_process_could_not_be_asked() -> None:
    with silent() as scene, scene.runner._writing:
        scene.runner.ping()
        first = scene.runner.deaf_since
        frames.send(scene.theirs, {"op": "pong", "busy_seconds": 0.0, "memory": {}})
        eventually(lambda: scene.runner.last_sign > first, within=10)
        scene.runner.ping()
        assert scene.runner.deaf_since > first


def test_a_process_to_which_nothing_can_be_written_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_args: object, **_more: object) -> NoReturn:
        raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))

    with silent() as scene:
        lost = threading.Event()
        scene.runner.watch(on_lost=lost.set, on_death=lambda _cause: None)
        monkeypatch.setattr(frames, "send_within", no_memory)
        with pytest.raises(exceptions.RunnerCrashed):
            scene.runner.infer(["x"], params={}, timeout=5)
        assert lost.is_set() and scene.process.wait(10) == -signal.SIGKILL
