"""One runner process, seen from the node: requests go in, answers or its death come back."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from altlas.kernel.errors import AltlasError
from orchestrator import exceptions
from orchestrator.runner import frames
from orchestrator.runner.memory import MEMORY_STATUS
from orchestrator.runner.shapes import Shape
from orchestrator.supervisor import memory
from orchestrator.supervisor.forkserver import ForkServer, SpawnFailed

logger = logging.getLogger(__name__)
_ORDER_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What a runner reported after its warm-up; ``mapped_bytes`` are weights mapped from disk."""

    facts: dict[str, Any]
    mapped_bytes: int
    load_seconds: float
    warm_seconds: float


class LoadFailed(Exception):
    def __init__(self, code: str, detail: str, *, permanent: bool) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.permanent = permanent


class RunnerProcess:
    """A live runner; whose it is, ``watch`` says."""

    def __init__(self, forkserver: ForkServer, *, name: str, timeout: float) -> None:
        """Raises: SpawnFailed: the machine has no process, thread, memory or descriptors left for one more."""
        self._process = forkserver.spawn(name, timeout=timeout)
        self.pid = self._process.pid
        self._connection: socket.socket = self._process.connection
        self._on_lost: Callable[[], None] = _nobody
        self._on_death: Callable[[str], None] = _nobody
        self._cause: str | None = None
        self._ids = itertools.count(1)
        self._writing = threading.Lock()
        self._pending: dict[int, Future[dict[str, Any]]] = {}
        self._state_lock = threading.Lock()
        self._alive = True
        self._killed_for: str | None = None
        self._load: Future[Loaded] = Future()
        self._progress: Callable[[str], None] = lambda _stage: None
        self.last_sign = time.monotonic()
        self.deaf_since = 0.0  # when the first ping since its last sign could not be written
        self.busy_seconds = 0.0
        self.on_batches: Callable[[list[tuple[int, float]]], None] = _nobody
        self.memory: dict[str, Any] = {}
        self.gone = threading.Event()
        try:
            threading.Thread(target=self._read, name=f"runner-{self.pid}", daemon=True).start()
        except RuntimeError as exc:
            self.kill("stopped")
            self._let_go()
            raise SpawnFailed(f"No thread could be started for it: {exc}.") from exc

    @property
    def alive(self) -> bool:
        return self._alive

    @property
    def in_flight(self) -> int:
        return len(self._pending)

    def watch(self, *, on_lost: Callable[[], None], on_death: Callable[[str], None]) -> None:
        """Call ``on_lost`` when it stops answering, before its callers hear of it, and ``on_death`` when the process is
        gone, with the cause; at once when it has happened already. Both may be called twice."""
        with self._state_lock:
            self._on_lost, self._on_death = on_lost, on_death
            lost, cause = not self._alive, self._cause
        if lost:
            on_lost()
        if cause is not None:
            on_death(cause)

    # --- orders -----------------------------------------------------------------------------------------------------
    def rehearse(self) -> None:
        """Let an idle runner do what a load does, so that the real one finds its memory in place."""
        self._write({"op": "rehearse"}, within=_ORDER_SECONDS)

    def load(
        self, order: dict[str, Any], *, timeout: float, progress: Callable[[str], None], stall: float | None = None
    ) -> Loaded:
        """Load and warm up. A load that still reads, computes or grows at its ``timeout`` is given ``stall`` seconds
        more from its last sign of progress, up to ten times the timeout.

        Raises:
            LoadFailed: with the runner's reason, or because it took too long or its process died.
        """
        self._progress = progress
        begun = time.monotonic()
        try:
            self._write({"op": "load", **order}, within=timeout)
            return self._await_load(begun + timeout, last=begun + 10 * timeout, stall=stall or timeout / 4)
        except FutureTimeout:
            self.kill("load_timeout")
            raise LoadFailed(
                "model_unavailable",
                f"The load was given up after {time.monotonic() - begun:.0f} s without an end.",
                permanent=False,
            ) from None
        except exceptions.RunnerCrashed as exc:
            raise LoadFailed("runner_crashed", exc.detail, permanent=False) from None

    def _await_load(self, until: float, *, last: float, stall: float) -> Loaded:
        seen = memory.progress(self.pid)
        while True:
            try:
                return self._load.result(max(0.0, min(until - time.monotonic(), stall / 4)))
            except FutureTimeout:
                found = memory.progress(self.pid)
                if found != seen:
                    seen, until = found, max(until, time.monotonic() + stall)
                if time.monotonic() >= min(until, last):
                    raise

    def infer(self, inputs: Sequence[Any], *, params: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Return the runner's ``result`` message.

        Raises:
            RunnerCrashed: the process died before it answered.
            InferenceTimeout: no answer within ``timeout``; the request is taken back.
            AltlasError: what the runner refused, by its code.
        """
        return self._ask({"op": "infer", "inputs": list(inputs), "params": params}, timeout)

    def _ask(self, message: dict[str, Any], timeout: float) -> dict[str, Any]:
        number = next(self._ids)
        future: Future[dict[str, Any]] = Future()
        with self._state_lock:
            if not self._alive:
                raise self._crash()
            self._pending[number] = future
        try:
            until = time.monotonic() + timeout
            self._write({**message, "id": number}, within=timeout)
            return future.result(max(0.0, until - time.monotonic()))
        except FutureTimeout:
            self._mention({"op": "cancel", "id": number})
            raise exceptions.InferenceTimeout("No answer within the time that the request has.") from None
        finally:
            self._pending.pop(number, None)

    def ping(self) -> bool:
        """Ask for a sign of life; ``last_sign``, ``busy_seconds`` and ``memory`` change when it comes. False when it
        could not be asked: others are writing, or it does not read, and then it is deaf from the first time on."""
        asked = self._mention({"op": "ping", "id": 0})
        if asked:
            self.deaf_since = 0.0
        elif self.deaf_since < self.last_sign:
            self.deaf_since = time.monotonic()
        return asked

    def trim(self) -> None:
        """Ask it to collect cycles and give freed memory back, after what it is doing."""
        self._mention({"op": "trim"})

    def hurry(self) -> None:
        """Tell a load that began for nobody that somebody waits for it."""
        self._mention({"op": "hurry"})

    def census(self, *, lines: bool, timeout: float) -> dict[str, Any]:
        """Return what grew since the first census (``orchestrator.runner.census``). Errors as by ``infer``."""
        return self._ask({"op": "census", "lines": lines}, timeout)

    def report(self, *, timeout: float) -> dict[str, Any]:
        """Return what it holds by its own account (``orchestrator.runner.memory``), between two forward passes."""
        memory: dict[str, Any] = self._ask({"op": "report"}, timeout)["memory"]
        return memory

    def shapes(self, *, timeout: float) -> list[Shape]:
        """Return the shapes of nearly all its forward passes, even while it computes. Errors as by ``infer``."""
        return [Shape(*shape) for shape in self._ask({"op": "shapes"}, timeout)["shapes"]]

    def stop(self, *, within: float) -> None:
        """End the process and wait until the kernel has taken its memory back."""
        self._killed_for = self._killed_for or "stopped"
        with suppress(AltlasError, TimeoutError):
            self._write({"op": "stop"}, within=within)
        if not self.gone.wait(within):
            self.kill("stopped")
            self.gone.wait(within)

    def kill(self, cause: str) -> None:
        """End the process group at once; ``cause`` is what its requests and the log are told. Nobody is sent to it any
        more, though its end may take its time."""
        self._killed_for = self._killed_for or cause
        self._alive = False
        self._on_lost()
        if self.gone.is_set():
            return  # its number may be another's by now
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    @property
    def killed(self) -> bool:
        """Whether its end was ordered; that it has come is told by ``gone``."""
        return bool(self._killed_for)

    # --- reading ----------------------------------------------------------------------------------------------------
    def _read(self) -> None:
        while True:
            try:
                message = frames.receive(self._connection)
            except (OSError, frames.FrameError):
                message = None
            if message is None:
                break
            self.last_sign = time.monotonic()
            self._handle(message)
        self._died()

    def _handle(self, message: dict[str, Any]) -> None:
        match message["op"]:
            case "result" | "census" | "report" | "shapes":
                self._resolve(message)  # first: somebody waits for it
                if message.get("batches"):
                    self.on_batches(message["batches"])
            case "error":
                error = exceptions.from_wire({"code": message["code"], "detail": message["detail"]})
                future = self._pending.pop(message["id"], None)
                if future is not None:
                    future.set_exception(error)
            case "pong":
                self.busy_seconds = message["busy_seconds"]
                self.memory = message["memory"]
            case "progress":
                self._progress(message["stage"])
            case "loaded":
                self._load.set_result(
                    Loaded(
                        facts=message["facts"],
                        mapped_bytes=message["mapped_bytes"],
                        load_seconds=message["load_seconds"],
                        warm_seconds=message["warm_seconds"],
                    )
                )
            case "failed":
                self._load.set_exception(LoadFailed(message["code"], message["detail"], permanent=message["permanent"]))

    def _resolve(self, message: dict[str, Any]) -> None:
        future = self._pending.pop(message["id"], None)
        if future is not None:
            future.set_result(message)

    def _mention(self, message: dict[str, Any]) -> bool:
        """Say what may go unsaid: the node's only owner says it, who must not wait for a process that does not read.
        Return whether it was said."""
        with suppress(AltlasError, TimeoutError):
            self._write(message, within=0.0)
            return True
        return False

    def _write(self, message: dict[str, Any], *, within: float) -> None:
        """Raises: TimeoutError: others are writing, or the process does not read; RunnerCrashed: it is gone."""
        until = time.monotonic() + within
        frame = memoryview(frames.pack(message))
        if not self._writing.acquire(timeout=max(0.0, within)):
            raise TimeoutError
        with ExitStack() as held:
            held.callback(self._writing.release)
            rest = self._send(frame, seconds=max(0.0, until - time.monotonic()))
            if 0 < len(rest) < len(frame):
                # Nothing that followed half a frame would be understood, and whoever asked waits no longer.
                try:
                    threading.Thread(target=self._finish, args=(rest, message), name="writer", daemon=True).start()
                except RuntimeError:
                    self.kill("half_written")
                    raise self._crash() from None
                held.pop_all()  # others write when it is done
        if rest:
            raise TimeoutError("the process does not read")

    def _finish(self, rest: memoryview, message: dict[str, Any]) -> None:
        """Write the rest of a frame, however slowly it is read, and take back what it asks."""
        try:
            self._press(rest)
            if "id" in message:
                self._press(memoryview(frames.pack({"op": "cancel", "id": message["id"]})))
        except TimeoutError:
            self.kill("hang")
        except exceptions.RunnerCrashed:
            pass  # its reader sees to that
        finally:
            self._writing.release()

    def _press(self, rest: memoryview) -> None:
        """Raises: TimeoutError: the process takes nothing more; RunnerCrashed."""
        while rest:
            left = self._send(rest, seconds=_ORDER_SECONDS)
            if len(left) == len(rest):
                raise TimeoutError
            rest = left

    def _send(self, frame: memoryview, *, seconds: float) -> memoryview:
        """Return what was not written in time. Raises: RunnerCrashed: the process is gone."""
        try:
            return frames.send_within(self._connection, frame, seconds=seconds)
        except OSError as exc:
            # Sooner than the reader's end of file: the next caller must not be sent here either.
            self._alive = False
            self._on_lost()
            if not isinstance(exc, ConnectionError) and exc.errno != errno.EBADF:
                # It has not closed the socket, so it lives on (no memory for buffers): half a frame may be with it.
                self.kill("half_written")
            raise self._crash() from None

    def _crash(self) -> exceptions.RunnerCrashed:
        return exceptions.RunnerCrashed("The model's process ended while it had this request; try again.")

    # --- death ------------------------------------------------------------------------------------------------------
    def _died(self) -> None:
        with self._state_lock:
            self._alive = False
            pending, self._pending = list(self._pending.values()), {}
        self._let_go()
        self._on_lost()
        for future in pending:
            if not future.done():
                future.set_exception(self._crash())
        if not self._load.done():
            self._load.set_exception(self._crash())
        self._report(self._process.wait())

    def _let_go(self) -> None:
        self._connection.close()
        os.close(self._process.lifeline)  # ends it, should only the socket have closed

    def _report(self, status: int | None) -> None:
        self.gone.set()
        with self._state_lock:
            self._cause = self._killed_for or _cause(status)
        self._on_death(self._cause)


def _nobody(*_: object) -> None:
    return None


def _cause(status: int | None) -> str:
    if status is None:
        return "unknown"
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    code = os.WEXITSTATUS(status)
    return "memory_limit" if code == MEMORY_STATUS else f"exit {code}"
