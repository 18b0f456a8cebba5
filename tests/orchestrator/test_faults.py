"""Processes that stop, hang or die at the worst moment: the node goes on, and nothing stays behind."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from altlas.kernel.errors import AltlasError
from orchestrator import exceptions, manifest
from orchestrator.runner.process import Runner
from orchestrator.supervisor import loading
from orchestrator.supervisor.forkserver import ForkServer
from orchestrator.supervisor.health import HealthLimits
from orchestrator.supervisor.spec import Key, VersionSpec
from tests.orchestrator import tiny
from tests.orchestrator.support import MB, Scene, echo, supervised, within
from tests.support.waiting import eventually


def forkserver_of(scene: Scene) -> ForkServer:
    return scene.supervisor._forkserver


def kill_forkserver(scene: Scene) -> None:
    server = forkserver_of(scene)
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: server.pid is None, within=5)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_a_process_that_does_not_read_holds_up_nobody_else_and_is_replaced() -> None:
    with supervised(health=HealthLimits(hang_seconds=1.0, ping_seconds=0.3)) as scene, ThreadPoolExecutor(1) as pool:
        scene.supervisor.infer(echo("a"), ["x"], deadline=within(20))
        with stopped(scene.pid("a")):
            large = pool.submit(scene.supervisor.infer, echo("a"), ["y" * 4_000_000], deadline=within(20))
            time.sleep(0.2)  # the socket is full now, and the frame half written
            scene.supervisor.infer(echo("b"), ["x"], deadline=within(20))
            with pytest.raises(AltlasError):
                large.result(30)
        eventually(lambda: scene.kinds("hang"), within=10)
        scene.supervisor.infer(echo("a"), ["x"], deadline=within(30))


@contextmanager
def unkillable(pid: int) -> Iterator[None]:
    """``pid`` does not end, as one that waits in the kernel for a device."""
    kill, killpg = os.kill, os.killpg

    def spares(end: Callable[[int, int], None]) -> Callable[[int, int], None]:
        return lambda number, signum: None if (number, signum) == (pid, signal.SIGKILL) else end(number, signum)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "kill", spares(kill))
        patch.setattr(os, "killpg", spares(killpg))
        yield
    with suppress(ProcessLookupError):
        kill(pid, signal.SIGKILL)


def test_nobody_is_sent_to_a_process_that_hangs_and_cannot_be_ended() -> None:
    with supervised(health=HealthLimits(hang_seconds=1.0, ping_seconds=0.3)) as scene:
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        pid = scene.pid("echo")
        with unkillable(pid), stopped(pid):
            eventually(lambda: scene.kinds("hang"), within=20)
            eventually(lambda: [found["state"] for found in scene.replicas()] == ["unloading"], within=10)
            scene.supervisor.infer(echo(), ["x"], deadline=within(20))
            held = {found["pid"]: found["bytes"] for found in scene.replicas()}
            assert len(held) == 2 and held[pid] > 0, "its memory is not back"
        eventually(lambda: pid not in [found["pid"] for found in scene.replicas()], within=20)


def test_the_memory_of_a_process_that_does_not_end_is_not_given_away() -> None:
    with supervised(stop_seconds=0.2) as scene:
        scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        pid = scene.pid("echo")
        with unkillable(pid), stopped(pid):
            scene.supervisor.unload(Key("echo", "1"))
            names = {f"unload-{echo().key}"}
            eventually(lambda: not names & {thread.name for thread in threading.enumerate()}, within=20)
            time.sleep(0.2)
            assert [found["state"] for found in scene.replicas()] == ["unloading"]
            assert scene.supervisor.state()["used_bytes"] > 0
        eventually(lambda: scene.replicas() == [], within=20)
        assert scene.supervisor.state()["used_bytes"] == 0


def test_a_process_that_dies_while_its_files_are_checked_does_not_serve(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    check = threading.Event()
    monkeypatch.setattr(loading, "verify", lambda _folder, _manifest, *, progress: check.wait(30))
    with supervised(backoff=0.1) as scene, ThreadPoolExecutor(1) as pool:
        spec = replace(echo(), folder=tmp_path)
        asked = pool.submit(scene.supervisor.infer, spec, ["x"], deadline=within(20))
        eventually(lambda: [found for found in scene.replicas() if found["state"] == "warming"], within=10)
        time.sleep(0.5)  # it has said that it is loaded
        pid = scene.pid("echo")
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not psutil.pid_exists(pid), within=5)
        check.set()
        with pytest.raises(AltlasError):
            asked.result(20)
        eventually(lambda: scene.replicas() == [], within=10)
        time.sleep(0.2)
        scene.supervisor.infer(spec, ["x"], deadline=within(20))


def test_the_end_of_a_process_is_seen_whoever_forked_it() -> None:
    with supervised() as scene:
        for name in ("a", "b"):
            scene.supervisor.infer(echo(name), ["x"], deadline=within(20))
        kill_forkserver(scene)
        forkserver_of(scene).ensure_running()
        os.kill(scene.pid("a"), signal.SIGKILL)
        eventually(lambda: scene.replicas("a") == [], within=5)
        begun = time.monotonic()
        scene.supervisor.unload(Key("b", "1"))
        eventually(lambda: scene.replicas("b") == [], within=8)
        assert time.monotonic() - begun < 8  # ten, when it is waited for in vain


def test_a_fork_server_outlives_the_load_that_started_it() -> None:
    with supervised(spare=False) as scene:
        scene.supervisor.infer(echo("a"), ["x"], deadline=within(20))
        kill_forkserver(scene)
        scene.supervisor.infer(echo("b"), ["x"], deadline=within(20))
        pid = forkserver_of(scene).pid
        time.sleep(0.5)  # the thread of the load has ended
        scene.supervisor.infer(echo("c"), ["x"], deadline=within(20))
        assert pid is not None and forkserver_of(scene).pid == pid


def test_a_fork_server_that_hangs_is_replaced() -> None:
    with supervised(spare=False, load_seconds=1.0, stall_seconds=0.5, backoff=0.1) as scene:
        scene.supervisor.infer(echo("a"), ["x"], deadline=within(20))
        pid = forkserver_of(scene).pid
        assert pid is not None
        with stopped(pid):
            with pytest.raises(AltlasError):
                scene.supervisor.infer(echo("b"), ["x"], deadline=within(10))
            eventually(lambda: forkserver_of(scene).pid != pid, within=10)

            def answers() -> bool:
                try:
                    scene.supervisor.infer(echo("b"), ["x"], deadline=within(5))
                except AltlasError:
                    return False
                return True

            eventually(answers, within=30)


# --- files ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("number", "permanent"), [(errno.EIO, False), (errno.EMFILE, False), (errno.ENOENT, True), (errno.ENOTDIR, True)]
)
@pytest.mark.parametrize("place", ["open", "rglob"])
def test_files_that_cannot_be_read_for_now_are_tried_again(
    place: str, number: int, permanent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny.make(tmp_path / "model", "sentence-embedding")
    spec = replace(echo(), folder=folder, manifest=manifest.build(folder))
    monkeypatch.setattr(manifest, "_digests", {})

    def fails(*_args: object, **_more: object) -> None:
        raise OSError(number, os.strerror(number))

    with supervised(backoff=0.2) as scene:
        monkeypatch.setattr(Path, place, fails)
        wanted = exceptions.ModelUnloadable if permanent else exceptions.ModelUnavailable
        with pytest.raises(wanted):
            scene.supervisor.infer(spec, ["x"], deadline=within(20))
        monkeypatch.undo()
        if not permanent:
            eventually(lambda: not scene.replicas(), within=10)
            time.sleep(0.3)
            assert scene.supervisor.infer(spec, ["x"], deadline=within(20))


def test_who_asks_is_told_why_a_model_does_not_load_and_not_where_its_files_lie(tmp_path: Path) -> None:
    folder = tiny.make(tmp_path / "model", "sentence-embedding")
    (folder / "model.safetensors").unlink()
    spec = VersionSpec(
        key=Key("model", "1"),
        task="sentence-embedding",
        folder=folder,
        expected_bytes=MB,
        manifest=manifest.build(folder),
    )
    with supervised(preload="orchestrator.runner.preload") as scene:
        with pytest.raises(exceptions.ModelUnloadable, match=r"model\.safetensors.*<folder>") as caught:
            scene.supervisor.infer(spec, ["x"], deadline=within(60))
        assert str(tmp_path) not in caught.value.detail


def test_a_disk_that_hangs_ends_the_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.make(tmp_path / "model", "sentence-embedding")
    spec, disk = replace(echo(), folder=folder, manifest=manifest.build(folder)), threading.Event()
    monkeypatch.setattr(loading, "verify", lambda _folder, _manifest, *, progress: disk.wait(60))
    with supervised(load_seconds=1.0, stall_seconds=0.5) as scene:
        with pytest.raises(exceptions.ModelUnavailable, match="could not be read in time"):
            scene.supervisor.infer(spec, ["x"], deadline=within(20))
        disk.set()
        eventually(lambda: not scene.replicas(), within=10)


def test_a_large_model_that_is_still_read_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.make(tmp_path / "model", "sentence-embedding")
    spec = replace(echo(), folder=folder, manifest=manifest.build(folder))

    def slow(_folder: Path, _manifest: object, *, progress: Callable[[], None]) -> None:
        for _ in range(16):
            time.sleep(0.3)
            progress()

    monkeypatch.setattr(loading, "verify", slow)
    with supervised(load_seconds=1.0, stall_seconds=4.0) as scene:  # less than all of it takes
        assert scene.supervisor.infer(spec, ["x"], deadline=within(20))


def test_a_defect_of_the_load_itself_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with supervised() as scene:
        monkeypatch.setattr(scene.supervisor._loader, "load", lambda *_args, **_more: {}["nothing"])
        with pytest.raises(exceptions.ModelUnavailable, match="KeyError"):
            scene.supervisor.infer(echo(), ["x"], deadline=within(20))
        eventually(lambda: not scene.replicas(), within=10)


# --- neighbours -------------------------------------------------------------------------------------------------------
def test_what_one_request_brings_fails_none_of_those_that_share_its_pass() -> None:
    spec = echo(latency_seconds=0.3)
    with supervised() as scene, ThreadPoolExecutor(8) as pool:
        scene.supervisor.infer(spec, ["x"], deadline=within(20))
        texts = ["first", "!error", "second", "third", "!error", "fourth"]
        asked = [pool.submit(scene.supervisor.infer, spec, [text], deadline=within(20)) for text in texts]
        for text, answer in zip(texts, asked, strict=True):
            if text == "!error":
                with pytest.raises(exceptions.InferenceFailed):
                    answer.result(20)
            else:
                assert answer.result(20)["shape"] == [1, 8]


def test_what_is_told_of_an_error_has_no_path_in_it_however_long_it_is() -> None:
    ours, its = socket.socketpair()
    with ours, its:
        runner = Runner(its)
        runner._paths = {"folder": "/srv/secret/place"}
        told = runner._told("x" * 490 + " in /srv/secret/place and /srv/secret/place/model.safetensors")
    assert len(told) == 500 and told.endswith(" in <folde")
