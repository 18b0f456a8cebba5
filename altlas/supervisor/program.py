"""One child process: what to run, and the running instance of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from altlas.supervisor.backoff import RestartHistory


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A program of the supervisor; ``once`` programs are not restarted when they end. ``ended`` is told the number of
    each process that has ended, however it did."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    once: bool = False
    stop_within: float = 20.0
    ended: Callable[[int], object] = lambda _pid: None


@cache
def _dies_with_parent() -> tuple[str, ...]:
    # Children of a supervisor that was killed must not live on. The wrapper sets the kernel's parent-death signal.
    return ("setpriv", "--pdeathsig", "TERM", "--") if shutil.which("setpriv") else ()


@dataclass(kw_only=True)
class Child:
    """The life of one program under the supervisor."""

    program: Program
    process: subprocess.Popen[bytes] | None = None
    history: RestartHistory = field(default_factory=RestartHistory)
    started_at: float = 0.0
    start_again_at: float | None = None
    stopping: bool = False

    def start(self, *, now: float) -> int:
        """Start the process; return the descriptor that its standard output and error arrive on."""
        process = subprocess.Popen(
            [*_dies_with_parent(), *self.program.command],
            env={**os.environ, **self.program.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A session of its own: Ctrl-C at the terminal reaches the supervisor alone, which stops in order.
            start_new_session=True,
        )
        self.process, self.started_at, self.start_again_at = process, now, None
        assert process.stdout is not None  # noqa: S101  # asked for above
        os.set_blocking(process.stdout.fileno(), False)
        return process.stdout.fileno()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send to the process alone: it ends its own children in order."""
        if self.running and self.process is not None:
            self.process.send_signal(number)

    def kill_group(self) -> None:
        """End the process and whatever it left behind in its session."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
