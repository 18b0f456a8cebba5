"""The installation that is measured: the one that runs here, or one started for it and stopped afterwards."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.core.management.base import CommandError

from orchestrator import selectors
from orchestrator.watch.processes import collect
from orchestrator.watch.readings import Reading

_READY_SECONDS = 180.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """Where it answers, and the process that all others descend from."""

    url: str
    root: int

    def readings(self) -> list[Reading]:
        """Return a reading of every process of it; runners with what they said of themselves last."""
        runners = {}
        for node in selectors.live_nodes(fresh=True):
            for replica in node["replicas"]:
                if replica["pid"] and replica["state"] == "ready":
                    runners[replica["pid"]] = (f"{replica['model']}:{replica['version']}", replica["memory"])
        return collect(runners, root=self.root)

    def node_with(self, model: str) -> str:
        """Return the name of a node where ``model`` is ready.

        A node tells with its heartbeat what it holds, and a load that has just ended is told with the next one.

        Raises:
            CommandError: none told so in time.
        """
        found = selectors.nodes_tell(lambda _nodes: selectors.nodes_holding(model=model, state="ready"))
        if not found:
            raise CommandError(
                f"No node holds {model} after requests for it; `manage.py models events {model}` says why."
            )
        return found[0]


@contextmanager
def measured(*, say: Callable[[str], Any], log: Path) -> Iterator[Installation]:
    """Yield the installation of this ``ALTLAS_HOME``; when none answers, start one and stop it afterwards."""
    url = f"http://{settings.HOST}:{settings.PORT}"
    if _ready():
        say(f"measuring the installation that runs at {url}")
        yield Installation(url=url, root=_root())
        return
    say(f"starting an installation at {url}; its output goes to {log}")
    log.parent.mkdir(parents=True, exist_ok=True)
    # Readings of runners come with the watch's rounds; here somebody looks every second.
    environment = {**os.environ, "ALTLAS_MEMORY_SECONDS": os.environ.get("ALTLAS_MEMORY_SECONDS", "1")}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "up"],
            env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        _await(process, log)
        yield Installation(url=url, root=process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while not _ready():
        if process.poll() is not None or time.monotonic() > end:
            raise CommandError(f"The installation did not come up; see {log}.")
        time.sleep(0.5)


def _ready() -> bool:
    connection = http.client.HTTPConnection(settings.HOST, settings.PORT, timeout=5)
    try:
        connection.request("GET", "/readyz", headers={"Host": settings.ALLOWED_HOSTS[0], "X-Forwarded-Proto": "https"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _root() -> int:
    nodes = selectors.live_nodes(fresh=True)
    if not nodes:
        raise CommandError("No node is alive on this machine.")
    worker = psutil.Process(nodes[0]["pid"])
    parent = worker.parent()
    top = parent if parent is not None and "up" in parent.cmdline() else worker
    return int(top.pid)
