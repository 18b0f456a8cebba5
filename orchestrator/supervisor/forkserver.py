"""The node's handle on its fork server."""

from __future__ import annotations

import itertools
import logging
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack

logger = logging.getLogger(__name__)
_END_SECONDS = 10.0
PRELOAD = "orchestrator.runner.preload"
_ROOT = Path(__file__).resolve().parents[2]
# Nothing of the node's secrets is of use to a model process.
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "HF_HOME", "HF_HUB_CACHE")


class SpawnFailed(Exception):
    """No runner could be forked; a further try may be luckier."""


class ForkServerDied(SpawnFailed):
    """A further try starts a new fork server."""


@dataclass(kw_only=True, slots=True)
class Spawned:
    """A new runner: its process, our end of its socket, the lifeline whose closing ends it, and its wait status to be:
    None, once its fork server has ended before it."""

    pid: int
    connection: socket.socket
    lifeline: int
    status: Future[int | None]

    def wait(self) -> int | None:
        """Wait until a process that is on its way out is gone; return its wait status, None when nobody knows it."""
        while True:
            try:
                status = self.status.result(_END_SECONDS)
            except TimeoutError:
                status = None  # its fork server hangs
            if status is not None or _ended(self.pid, within=_END_SECONDS):
                return status


class ForkServer:
    """Starts the fork server when first needed and again when it has died. Runners survive its death."""

    def __init__(
        self, *, preload: str = PRELOAD, start_seconds: float = 120.0, environment: Mapping[str, str] | None = None
    ) -> None:
        self._preload = preload
        self._start_seconds = start_seconds
        self._environment = dict(environment or {})
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._over = False

    @property
    def pid(self) -> int | None:
        server = self._server
        return server.pid if server is not None and server.alive else None

    def ensure_running(self) -> None:
        """Raises: ForkServerDied: it was stopped, or cannot be started."""
        self._running()

    def spawn(self, name: str, *, timeout: float) -> Spawned:
        """Fork a runner.

        Raises:
            ForkServerDied: it did not come up, or died before it answered.
            SpawnFailed: the machine has no process, memory or descriptors left for one more.
        """
        server = self._running()
        try:
            return server.spawn(name, timeout=timeout)
        except TimeoutError as exc:
            if server.overdue(self._start_seconds):
                server.kill()  # it hangs; the next one who asks has another one started
            raise ForkServerDied("the fork server did not answer in time") from exc
        except OSError as exc:
            raise SpawnFailed(str(exc)) from exc

    def stop(self) -> None:
        """End it for good; a load that is under way does not start it again."""
        with self._lock:
            self._over = True
            server, self._server = self._server, None
        if server is not None:
            server.kill()  # it holds nothing; runners have lifelines of their own
            server.await_end()

    def _running(self) -> _Server:
        with self._lock:
            if self._over:
                raise ForkServerDied("the fork server was stopped")
            if self._server is None or not self._server.alive:
                try:
                    self._server = _Server(self._preload, self._environment)
                except (OSError, RuntimeError) as exc:  # no process, descriptors or thread left
                    raise ForkServerDied(f"no fork server could be started: {exc}") from exc
            return self._server


class _Server:
    """One fork server process, and what is known of its children: with it goes all that was asked of it."""

    def __init__(self, preload: str, environment: Mapping[str, str]) -> None:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        own = {"PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        self._begun = time.monotonic()
        self._over = False
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._ready: Future[int] = Future()
        self._waiting: dict[int, Future[tuple[int, Future[int | None]]]] = {}
        self._children: dict[int, Future[int | None]] = {}
        with ExitStack() as opened:
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            opened.enter_context(self._control)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "orchestrator.runner.forkserver", str(theirs.fileno()), preload],
                    pass_fds=[theirs.fileno()],
                    env={**kept, **own, **environment},
                    cwd=_ROOT,
                    stdin=subprocess.DEVNULL,
                )
            opened.callback(self._process.wait)
            opened.callback(self._process.kill)
            threading.Thread(target=self._listen, name="forkserver", daemon=True).start()
            opened.pop_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._over and self._process.poll() is None

    def overdue(self, start_seconds: float) -> bool:
        """Return whether one that has not answered hangs, and is not only slow to start."""
        return self._ready.done() or time.monotonic() - self._begun > start_seconds

    def kill(self) -> None:
        self._over = True
        self._process.kill()

    def await_end(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)

    def spawn(self, name: str, *, timeout: float) -> Spawned:
        """Raises: TimeoutError, SpawnFailed, OSError: it ended as it was asked, or there are no descriptors left."""
        until = time.monotonic() + timeout
        number, answer = next(self._ids), Future[tuple[int, Future[int | None]]]()
        with self._lock:
            if self._over:
                raise ForkServerDied("the fork server ended")
            self._waiting[number] = answer
        try:
            with ExitStack() as given, ExitStack() as kept:
                ours, theirs = socket.socketpair()
                kept.enter_context(ours)
                given.enter_context(theirs)
                held, lifeline = os.pipe()
                kept.callback(os.close, lifeline)
                given.callback(os.close, held)
                self._ready.result(max(0.0, until - time.monotonic()))
                request = msgpack.packb({"op": "spawn", "id": number, "name": name})
                socket.send_fds(self._control, [request], [theirs.fileno(), held])
                pid, status = answer.result(max(0.0, until - time.monotonic()))
                kept.pop_all()
        finally:
            self._waiting.pop(number, None)
        return Spawned(pid=pid, connection=ours, lifeline=lifeline, status=status)

    def _listen(self) -> None:
        try:
            while data := self._control.recv(65536):
                self._handle(msgpack.unpackb(data))
        except OSError:
            pass  # as at its end
        finally:
            self._end()

    def _handle(self, message: dict[str, Any]) -> None:
        match message["op"]:
            case "ready":
                self._ready.set_result(message["pid"])
            case "spawned":
                # Replaces that of an earlier process with this number, whose end has been told.
                status = self._children[message["pid"]] = Future()
                answer = self._waiting.get(message["id"])
                if answer is not None:
                    answer.set_result((message["pid"], status))
            case "failed":
                answer = self._waiting.get(message["id"])
                if answer is not None:
                    answer.set_exception(SpawnFailed(message["detail"]))
            case "exited":
                child = self._children.pop(message["pid"], None)
                if child is not None:
                    child.set_result(message["status"])

    def _end(self) -> None:
        self.kill()
        with self._lock:
            futures: list[Future[Any]] = [self._ready, *self._waiting.values()]
        self._control.close()
        for future in futures:
            if not future.done():
                future.set_exception(ForkServerDied("the fork server ended"))
        for status in self._children.values():
            status.set_result(None)
        self._process.wait()


def _ended(pid: int, *, within: float) -> bool:
    """Return whether a process that nobody here is the parent of has ended, or does so ``within`` seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    except OSError:  # no descriptors left
        time.sleep(within)
        return False
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        return bool(ended.poll(within * 1000))
    finally:
        os.close(descriptor)
