"""Frames to a process that is slow to read: whoever waits is answered in time, and no frame is left half written."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from orchestrator import exceptions
from orchestrator.runner import frames
from orchestrator.supervisor import runner as runners
from orchestrator.supervisor.forkserver import ForkServer, Spawned
from orchestrator.supervisor.runner import RunnerProcess
from tests.orchestrator.support import echo, supervised, within
from tests.orchestrator.test_faults import stopped

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
