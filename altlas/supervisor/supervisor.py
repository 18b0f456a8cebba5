"""The loop that owns all children. Single-threaded: output, deaths, signals and timers arrive at one selector."""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from altlas.supervisor.output import LineOutput
from altlas.supervisor.program import Child, Program

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Runs ``programs`` until it is told to stop.

    ``on_tick`` is called about four times a second with this object; it may ``start`` further programs or ``stop``.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        output: LineOutput,
        on_tick: Callable[[Supervisor], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.children = [Child(program=program) for program in programs]
        self.output = output
        self.on_tick = on_tick
        self.clock = clock
        self.finished: dict[str, int] = {}
        self._selector = selectors.DefaultSelector()
        self._stop_requests = 0

    def run(self) -> None:
        """Start everything; return when everything has stopped."""
        with self._signals():
            for child in self.children:
                self._start(child)
            while self._stop_requests == 0:
                self._wait(0.25)
                self._reap()
                self._restart_due()
                self.on_tick(self)
            self._stop_all()

    def start(self, program: Program) -> None:
        child = Child(program=program)
        self.children.append(child)
        self._start(child)

    def stop(self) -> None:
        self._stop_requests += 1

    def pids(self) -> dict[str, int]:
        return {c.program.name: c.process.pid for c in self.children if c.running and c.process is not None}

    def _start(self, child: Child) -> None:
        descriptor = child.start(now=self.clock())
        self._selector.register(descriptor, selectors.EVENT_READ, child)

    def _wait(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                os.read(key.fd, 4096)  # the wake-up pipe of signals
            elif not self.output.read(key.data.program.name, key.fd):
                self._close(key.fd)

    def _close(self, descriptor: int) -> None:
        key = self._selector.unregister(descriptor)
        child: Child = key.data
        if child.process is not None and child.process.stdout is not None:
            child.process.stdout.close()

    def _reap(self) -> None:
        now = self.clock()
        for child in list(self.children):
            if child.process is None or child.process.poll() is None:
                continue
            self._drain(child)
            status = child.process.returncode
            child.kill_group()  # nothing of a dead program lives on
            child.program.ended(child.process.pid)
            child.process = None
            if child.program.once:
                self.finished[child.program.name] = status
                self.children.remove(child)
                continue
            child.history = child.history.after(ran_for=now - child.started_at)
            child.start_again_at = now + child.history.delay
            self.output.line(
                "up", f"{child.program.name} {_ending(status)}; starting again in {child.history.delay:g} s"
            )

    def _drain(self, child: Child) -> None:
        # What a process wrote just before its end is often the reason for it.
        stdout = child.process.stdout if child.process is not None else None
        if stdout is None or stdout.closed:
            return
        descriptor = stdout.fileno()
        while (ready := self._readable(descriptor)) and self.output.read(child.program.name, descriptor):
            pass
        if ready or descriptor in self._selector.get_map():
            self.output.flush(child.program.name)
            self._close(descriptor)

    def _readable(self, descriptor: int) -> bool:
        with selectors.DefaultSelector() as single:
            single.register(descriptor, selectors.EVENT_READ)
            return bool(single.select(0))

    def _restart_due(self) -> None:
        now = self.clock()
        for child in self.children:
            if child.start_again_at is not None and child.start_again_at <= now:
                self._start(child)

    def _stop_all(self) -> None:
        """Stop in reverse order of start, so that nothing loses what it stands on; a second request kills."""
        for child in reversed(self.children):
            if not child.running:
                continue
            child.stopping = True
            child.signal(signal.SIGTERM)
            deadline = self.clock() + child.program.stop_within
            while child.running and self.clock() < deadline and self._stop_requests == 1:
                self._wait(0.05)
            if child.running:
                self.output.line("up", f"{child.program.name} did not stop in time and is killed")
            child.kill_group()
            if child.process is not None:
                child.process.wait()
                self._drain(child)
                child.program.ended(child.process.pid)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        previous = {number: signal.signal(number, self._handle) for number in _STOP_SIGNALS}
        previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        self._selector.register(reading, selectors.EVENT_READ, None)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in previous.items():
                signal.signal(number, handler)
            self._selector.close()
            os.close(reading)
            os.close(writing)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._stop_requests += 1


def _ending(status: int) -> str:
    return f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
