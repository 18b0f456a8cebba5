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
from collections.abc import Callable, Mapping
from concurrent.futures import Future
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


class ForkServerDied(Exception):
    """No runner could be forked; a further try starts a new fork server."""


@dataclass(kw_only=True, slots=True)
class Spawned:
    """A new runner: its process, our end of its socket, the lifeline whose closing ends it, and its parent."""

    pid: int
    connection: socket.socket
    lifeline: int
    server: subprocess.Popen[bytes]


class ForkServer:
    """Starts the fork server when first needed and again when it has died. Runners survive its death."""

    def __init__(
        self, *, preload: str = PRELOAD, start_seconds: float = 120.0, environment: Mapping[str, str] | None = None
    ) -> None:
        self._preload = preload
        self._start_seconds = start_seconds
        self._environment = dict(environment or {})
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._ready: Future[int] = Future()
        self._waiting: dict[int, Future[int]] = {}
        self._on_exit: dict[int, Callable[[int | None], None]] = {}
        self._exited: dict[int, int] = {}
        self._over = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.poll() is None else None

    def ensure_running(self) -> None:
        """Raises: ForkServerDied: it was stopped."""
        with self._lock:
            self._ensure_running()

    def spawn(self, name: str, *, timeout: float) -> Spawned:
        """Fork a runner.

        Raises:
            ForkServerDied: it did not come up, or died before it answered.
        """
        with self._lock:
            control, ready, server = self._ensure_running()
            number = next(self._ids)
            answer = self._waiting[number] = Future()
        until = time.monotonic() + timeout
        ours, theirs = socket.socketpair()
        lifeline_r, lifeline_w = os.pipe()
        try:
            ready.result(until - time.monotonic())
            request = msgpack.packb({"op": "spawn", "id": number, "name": name})
            socket.send_fds(control, [request], [theirs.fileno(), lifeline_r])
            pid = answer.result(max(0.0, until - time.monotonic()))
        except (OSError, TimeoutError, ForkServerDied) as exc:
            ours.close()
            os.close(lifeline_w)
            if isinstance(exc, TimeoutError):
                server.kill()  # it hangs; the next one who asks has another one started
            raise ForkServerDied(str(exc) or type(exc).__name__) from exc
        finally:
            self._waiting.pop(number, None)
            theirs.close()
            os.close(lifeline_r)
        return Spawned(pid=pid, connection=ours, lifeline=lifeline_w, server=server)

    def when_exited(self, pid: int, callback: Callable[[int | None], None], *, server: subprocess.Popen[bytes]) -> None:
        """Call back with the wait status of ``pid``, a child of ``server``, once it is known; with None, once it is
        gone, when nobody can know it any more: a fork server that was started since is not its parent."""
        with self._lock:
            status = self._exited.pop(pid, None)
            if status is None and server is self._process and server.poll() is None:
                self._on_exit[pid] = callback
                return
        if status is None:
            _await_end(pid)
        callback(status)

    def stop(self) -> None:
        """End it for good; a load that is under way does not start it again."""
        with self._lock:
            self._over = True
            process, control = self._process, self._control
            self._process = self._control = None
        if control is not None:
            control.close()
        if process is not None:
            process.kill()  # it holds nothing; runners have lifelines of their own
            process.wait()

    def _ensure_running(self) -> tuple[socket.socket, Future[int], subprocess.Popen[bytes]]:
        if self._over:
            raise ForkServerDied("the fork server was stopped")
        if self._process is not None and self._control is not None and self._process.poll() is None:
            return self._control, self._ready, self._process
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment |= {"PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= self._environment
        self._process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator.runner.forkserver", str(theirs.fileno()), self._preload],
            pass_fds=[theirs.fileno()],
            env=environment,
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self._control, self._ready = ours, Future()
        threading.Thread(
            target=self._listen, args=(ours, self._ready, self._process), name="forkserver", daemon=True
        ).start()
        return self._control, self._ready, self._process

    def _listen(self, control: socket.socket, ready: Future[int], process: subprocess.Popen[bytes]) -> None:
        while True:
            try:
                data = control.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            self._handle(msgpack.unpackb(data), ready)
        control.close()
        process.wait()
        with self._lock:
            waiting, self._waiting = list(self._waiting.values()), {}
            watchers, self._on_exit = list(self._on_exit.values()), {}
        for future in (ready, *waiting):
            if not future.done():
                future.set_exception(ForkServerDied("the fork server ended"))
        for watcher in watchers:
            watcher(None)

    def _handle(self, message: dict[str, Any], ready: Future[int]) -> None:
        match message["op"]:
            case "ready":
                ready.set_result(message["pid"])
            case "spawned":
                future = self._waiting.get(message["id"])
                if future is not None:
                    future.set_result(message["pid"])
            case "exited":
                with self._lock:
                    callback = self._on_exit.pop(message["pid"], None)
                    if callback is None:
                        self._exited[message["pid"]] = message["status"]
                if callback is not None:
                    callback(message["status"])


def _await_end(pid: int) -> None:
    """Wait until an orphan that is on its way out is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return
    try:
        ended = select.poll()
        ended.register(descriptor, select.POLLIN)
        ended.poll(_END_SECONDS * 1000)
    finally:
        os.close(descriptor)
