"""No thread can be started, as at a limit of processes: what it was for fails or is done without, nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from orchestrator import exceptions
from orchestrator.supervisor.forkserver import ForkServer, ForkServerDied, SpawnFailed
from orchestrator.supervisor.runner import RunnerProcess
from orchestrator.supervisor.spare import Spare
from orchestrator.supervisor.spec import Key
from tests.orchestrator.support import echo, supervised, within
from tests.orchestrator.test_forkserver import fork_server
from tests.orchestrator.test_writing import LARGE, silent
from tests.support.waiting import eventually

Refuse = Callable[..., None]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """``refuse(name, times)``: that many threads whose name begins so cannot be started."""
    left: dict[str, int] = {}
    start = threading.Thread.start

    def refusing(thread: threading.Thread) -> None:
        for name in left:
            if thread.name.startswith(name) and left[name] > 0:
                left[name] -= 1
                raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refusing)
    return lambda name, times=1: left.update({name: times})


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_load_without_a_thread_fails_for_now_and_leaves_its_place_to_others(refuse: Refuse) -> None:
    with supervised(backoff=0.1, core={"parallel_loads": 1}) as scene:
        refuse("load-")
        with pytest.raises(exceptions.ModelUnavailable, match="No thread"):
            scene.supervisor.infer(echo("a"), ["x"], deadline=within(20))
        eventually(lambda: not scene.replicas(), within=10)
        assert scene.supervisor.state()["used_bytes"] == 0
        scene.supervisor.infer(echo("b"), ["x"], deadline=within(20))
        eventually(lambda: not scene.supervisor.state()["failures"], within=10)  # it is backed off
        scene.supervisor.infer(echo("a"), ["x"], deadline=within(20))


@pytest.mark.parametrize("times", [1, 1_000_000], ids=["once", "ever"])
def test_a_process_is_ended_and_its_end_told_though_no_thread_sees_to_it(refuse: Refuse, times: int) -> None:
    with supervised() as scene:
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        pid = scene.pid("echo")
        refuse("unload-", times)
        assert scene.supervisor.unload(Key("echo", "1")) == 1
        eventually(lambda: not scene.replicas() and not psutil.pid_exists(pid), within=20)
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))


def test_a_failed_load_is_forgotten_though_no_thread_sees_to_it(refuse: Refuse) -> None:
    with supervised(backoff=0.1) as scene:
        refuse("load-")
        refuse("unload-", 1_000_000)
        with pytest.raises(exceptions.ModelUnavailable):
            scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        eventually(lambda: not scene.replicas(), within=10)


def test_a_process_that_nobody_could_listen_to_is_ended_and_nothing_stays_open(refuse: Refuse) -> None:
    with fork_server() as server:
        server.ensure_running()
        server.spawn("first", timeout=30).connection.close()  # the server is up
        before, family = descriptors(), set(psutil.Process().children(recursive=True))
        refuse("runner-", 3)
        for _ in range(3):
            with pytest.raises(SpawnFailed, match="No thread"):
                RunnerProcess(server, name="a", timeout=30)
        eventually(lambda: descriptors() <= before, within=10)
        eventually(lambda: set(psutil.Process().children(recursive=True)) <= family, within=10)


def test_a_fork_server_that_nobody_could_listen_to_is_ended_and_the_next_try_starts_another(refuse: Refuse) -> None:
    server = ForkServer(preload="")
    before, family = descriptors(), set(psutil.Process().children())
    refuse("forkserver")
    with pytest.raises(ForkServerDied, match="thread"):
        server.ensure_running()
    eventually(lambda: descriptors() <= before and set(psutil.Process().children()) <= family, within=10)
    server.ensure_running()
    server.stop()


@pytest.mark.parametrize("fault", ["no thread", "no reading"])
def test_a_spare_that_could_not_be_made_is_made_later(
    fault: str, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def does_not_read(_runner: RunnerProcess) -> None:
        failed.set()
        raise TimeoutError

    failed = threading.Event()
    with fork_server() as server:
        spare = Spare(server, enabled=True)
        if fault == "no thread":
            refuse("spare")
            spare.refill(at_once=True)
        else:
            with monkeypatch.context() as patch:
                patch.setattr(RunnerProcess, "rehearse", does_not_read)
                spare.refill(at_once=True)
                assert failed.wait(30)
        assert spare.pid is None

        def made() -> bool:
            spare.refill(at_once=True)
            return spare.pid is not None

        eventually(made, within=30)
        spare.stop()


def test_half_a_request_that_nobody_can_finish_ends_the_process(refuse: Refuse) -> None:
    with silent() as scene:
        refuse("writer")
        with pytest.raises(exceptions.RunnerCrashed):
            scene.runner.infer([LARGE], params={}, timeout=0.2)
        assert scene.process.wait(10) < 0
        assert not scene.runner.alive
