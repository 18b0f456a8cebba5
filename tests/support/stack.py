"""The whole product as processes, for tests that play it from outside."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
ADMIN = ("operator", "correct-horse-battery-staple-7")
_LOWEST_PORT = 10_000


def free_port() -> int:
    """Return a port that nobody has.

    It is taken only seconds later: so it is none of those that the kernel gives to whoever asks for any.
    """
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    below = min(first_given, 65_536)
    while True:
        # Where the kernel gives nearly all of them, no better is left than to ask it for one.
        port = _LOWEST_PORT + secrets.randbelow(below - _LOWEST_PORT) if below > 2 * _LOWEST_PORT else 0
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A running installation."""

    url: str
    home: Path
    log: Path
    environment: Mapping[str, str]
    process: psutil.Process

    def client(self, **options: object) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False, **options)  # type: ignore[arg-type]

    def logged_in(self, username: str = ADMIN[0], password: str = ADMIN[1]) -> httpx.Client:
        """Return a client with a fresh access token, to be used in a ``with`` block."""
        with self.client() as anonymous:
            answer = anonymous.post("/api/v1/auth/token", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        return self.client(headers={"Authorization": f"Bearer {answer.json()['access']}"})

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=dict(self.environment), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def processes(self, word: str) -> list[psutil.Process]:
        """Return this installation's processes that have ``word`` as an argument."""
        found = []
        for process in self.process.children(recursive=True):
            with suppress(psutil.Error):
                if word in process.cmdline():
                    found.append(process)
        return found

    def named(self, *names: str) -> list[psutil.Process]:
        """Return this installation's processes of these names."""
        found = []
        for process in self.process.children(recursive=True):
            with suppress(psutil.Error):  # one that has ended meanwhile
                if process.name() in names:
                    found.append(process)
        return found

    def tail(self, lines: int = 60) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def environment(home: Path, port: int, **more: str) -> dict[str, str]:
    """Return the environment of an installation: nothing of the test run's own settings goes in."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("ALTLAS_", "DJANGO_", "DATABASE_", "REDIS_", "COV_"))
    }
    return {
        **kept,
        "ALTLAS_HOME": str(home),
        "ALTLAS_PORT": str(port),
        "ALTLAS_ADMIN_USER": ADMIN[0],
        "ALTLAS_ADMIN_PASSWORD": ADMIN[1],
        "ALTLAS_POSTGRES_SETTINGS": "fsync=off,synchronous_commit=off",
        # What a busy machine makes late is no node that is gone.
        "ALTLAS_NODE_TTL": "15",
        "PYTHONUNBUFFERED": "1",
        **more,
    }


@contextmanager
def running(home: Path, *, arguments: tuple[str, ...] = (), within: float = 120.0, **more: str) -> Iterator[Stack]:
    """Start ``manage.py up`` in ``home`` and yield it once ``/readyz`` says so; stop it afterwards."""
    home.parent.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log = home.with_suffix(".log")
    variables = environment(home, port, **more)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", *arguments], cwd=ROOT, env=variables, stdout=output, stderr=output
        )
    stack = Stack(
        url=f"http://127.0.0.1:{port}", home=home, log=log, environment=variables, process=psutil.Process(process.pid)
    )
    try:
        _await_ready(stack, process, within)
        yield stack
    finally:
        tree = _tree(stack.process)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(120)  # its programs and engines may take 100 s in turns
        finally:
            # Whatever a failing test left behind must not outlive it.
            for left in tree:
                with suppress(psutil.Error):
                    left.kill()


def _tree(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


def _await_ready(stack: Stack, process: subprocess.Popen[bytes], within: float) -> None:
    deadline = time.monotonic() + within
    said = ""
    with stack.client() as client:
        while time.monotonic() < deadline:
            assert process.poll() is None, f"`up` ended with {process.returncode}:\n{stack.tail()}"
            with suppress(httpx.TransportError):
                answer = client.get("/readyz")
                if answer.status_code == 200:
                    return
                said = answer.text
            time.sleep(0.1)
    raise AssertionError(f"not ready within {within} s: {said}\n{stack.tail()}")
