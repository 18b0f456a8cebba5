"""The handle on the fork server: what one server process leaves behind does not reach its successor."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from orchestrator.supervisor import forkserver
from orchestrator.supervisor.forkserver import ForkServer, ForkServerDied, Spawned, SpawnFailed
from tests.support.waiting import eventually

READER = "forkserver"  # the name of the thread that listens to a server


@contextmanager
def fork_server(*, preload: str = "", environment: dict[str, str] | None = None) -> Iterator[ForkServer]:
    server = ForkServer(preload=preload, environment=environment)
    try:
        yield server
    finally:
        server.stop()


def pid_of(server: ForkServer) -> int:
    assert server.pid is not None
    return server.pid


def end(runner: Spawned, number: int) -> None:
    os.kill(runner.pid, number)
    runner.connection.close()
    os.close(runner.lifeline)


def test_the_end_of_a_killed_server_leaves_those_who_ask_its_successor_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    buried, wait, old = threading.Event(), subprocess.Popen.wait, 0

    def slowly(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if process.pid == old and threading.current_thread().name == READER:
            assert buried.wait(30)
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", slowly)
    with fork_server() as server, ThreadPoolExecutor(1) as pool:
        server.ensure_running()
        old = pid_of(server)
        os.kill(old, signal.SIGKILL)
        eventually(lambda: server.pid is None, within=5)
        asked = pool.submit(server.spawn, "next", timeout=30)
        eventually(lambda: server.pid is not None, within=5)
        buried.set()  # the old one's end is taken in while the new one starts
        end(asked.result(30), signal.SIGKILL)


def test_everybody_learns_the_status_of_their_own_process() -> None:
    with fork_server() as server:
        first, second = (server.spawn(name, timeout=30) for name in "ab")
        end(first, signal.SIGKILL)
        end(second, signal.SIGUSR1)
        assert [os.WTERMSIG(runner.wait() or 0) for runner in (first, second)] == [signal.SIGKILL, signal.SIGUSR1]


def test_nobody_knows_the_status_of_a_process_that_outlived_its_server() -> None:
    with fork_server() as server:
        runner = server.spawn("a", timeout=30)
        os.kill(pid_of(server), signal.SIGKILL)
        eventually(lambda: server.pid is None, within=5)
        server.ensure_running()
        end(runner, signal.SIGUSR1)
        assert runner.wait() is None
        with closing(server.spawn("b", timeout=30).connection):
            pass


def test_the_end_of_a_process_is_seen_while_its_server_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forkserver, "_END_SECONDS", 0.5)
    with fork_server() as server:
        runner = server.spawn("a", timeout=30)
        os.kill(pid_of(server), signal.SIGSTOP)
        end(runner, signal.SIGKILL)
        assert runner.wait() is None


def test_a_server_that_starts_for_longer_than_a_load_may_take_is_left_to_start() -> None:
    with fork_server() as server:
        server.ensure_running()
        pid = pid_of(server)
        with pytest.raises(ForkServerDied):
            server.spawn("a", timeout=0.0)
        end(server.spawn("b", timeout=30), signal.SIGKILL)
        assert pid_of(server) == pid


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_a_fork_that_fails_costs_one_load_and_nothing_stays_open(tmp_path: Path) -> None:
    refusing = tmp_path / "refusing"
    preload = "tests.orchestrator.refusing_forks"
    with fork_server(preload=preload, environment={"NO_FORKS": str(refusing)}) as server:
        end(server.spawn("a", timeout=30), signal.SIGKILL)
        pid = pid_of(server)
        before = descriptors(pid), descriptors(os.getpid())
        refusing.touch()
        for _ in range(3):
            with pytest.raises(SpawnFailed, match="temporarily unavailable"):
                server.spawn("b", timeout=30)
        assert (descriptors(pid), descriptors(os.getpid())) == before
        refusing.unlink()
        end(server.spawn("c", timeout=30), signal.SIGKILL)
        assert pid_of(server) == pid


def test_without_descriptors_a_load_fails_and_nothing_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left() -> NoReturn:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with fork_server() as server:
        end(server.spawn("a", timeout=30), signal.SIGKILL)
        before = descriptors(os.getpid())
        with monkeypatch.context() as patch, pytest.raises(SpawnFailed, match="Too many open files"):
            patch.setattr(os, "pipe", none_left)
            server.spawn("b", timeout=30)
        assert descriptors(os.getpid()) == before
