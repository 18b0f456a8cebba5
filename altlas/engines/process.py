"""One engine's server process: started detached, found again by its pid file, stopped for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


class EngineFailed(RuntimeError):
    """An engine did not start or stop; the message ends with the last lines of its log."""


# What this process has started, by pid file: whoever stops a server later must be able to reap it.
_started: dict[Path, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerProcess:
    """Starts and stops one server; ``mark`` is a word of its command line that proves a pid is really it."""

    name: str
    pid_file: Path
    log: Path
    mark: str

    def running(self) -> psutil.Process | None:
        """Return the live process of the pid file, or None when there is none or the pid is another program's."""
        try:
            process = psutil.Process(int(self.pid_file.read_text().split()[0]))
            alive = process.status() != psutil.STATUS_ZOMBIE and self.mark in " ".join(process.cmdline())
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if alive else None

    def start(self, command: Sequence[str], *, write_pid: bool) -> None:
        """Start ``command`` in a session of its own, so that a Ctrl-C at the terminal does not reach it."""
        self._reap()
        with self.log.open("ab") as log:
            child = _started[self.pid_file] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        if write_pid:
            self.pid_file.write_text(f"{child.pid}\n")

    def _reap(self, *, wait: bool = False) -> None:
        child = _started.pop(self.pid_file, None)
        if child is not None:
            child.wait() if wait else child.poll()

    def await_ready(self, ready: Callable[[], bool], *, within: float) -> None:
        """Poll ``ready`` until it is true.

        Raises:
            EngineFailed: the process ended or the time is over.
        """
        deadline = time.monotonic() + within
        child = _started.get(self.pid_file)
        while not ready():
            ended = child is not None and child.poll() is not None
            if ended or time.monotonic() > deadline:
                raise EngineFailed(f"{self.name} did not become ready:\n{self.log_tail()}")
            time.sleep(0.02)

    def stop(self, signals: Sequence[signal.Signals], *, each: float) -> None:
        """Send each signal in turn, waiting ``each`` seconds after it, until the process is gone."""
        process = self.running()
        if process is None:
            return
        for number in signals:
            try:
                process.send_signal(number)
                process.wait(each)
            except psutil.TimeoutExpired:
                continue
            except psutil.NoSuchProcess:
                pass
            break
        else:
            raise EngineFailed(f"{self.name} (pid {process.pid}) did not stop:\n{self.log_tail()}")
        self._reap(wait=True)
        self.pid_file.unlink(missing_ok=True)

    def log_tail(self, lines: int = 15) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return "(no log)"


def require_executable(path: Path, package: str) -> Path:
    if not os.access(path, os.X_OK):
        raise EngineFailed(f"{path.name} is missing; install {package} or name a server in the environment.")
    return path
