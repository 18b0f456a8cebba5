"""Three nodes and two web processes under load: one node is killed, one drained, Redis restarted."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from altlas.engines.layout import Home
from altlas.engines.redis_server import RedisServer
from tests.support import stack as stacks
from tests.support.stack import ROOT, Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@contextmanager
def node(base: Stack, name: str) -> Iterator[psutil.Process]:
    """A further node worker of the installation, with a data folder of its own, as on another machine."""
    folder = base.home.with_name(f"{base.home.name}-{name}")
    engines = Home(base.home)
    variables = {
        **base.environment,
        "ALTLAS_HOME": str(folder),
        "ALTLAS_NODE_NAME": name,
        "DATABASE_URL": engines.database_url,
    }
    command = [sys.executable, "manage.py", "up", "--skip-preparation", "--programs=worker"]
    with folder.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log, start_new_session=True)
    found = psutil.Process(process.pid)
    try:
        yield found
    finally:
        kill(found)
        process.wait(30)


def kill(process: psutil.Process) -> None:
    """End a whole tree at once, as a machine that loses its power."""
    with suppress(psutil.Error):
        tree = [process, *process.children(recursive=True)]
        for one in tree:
            with suppress(psutil.Error):
                one.send_signal(signal.SIGKILL)
        psutil.wait_procs(tree, timeout=30)


@dataclass
class Call:
    began: float
    ended: float
    status: int
    retry: bool
    body: str


@dataclass
class Load:
    """Clients that do not stop: some wait for vectors, one leaves segmentations behind."""

    stack: Stack
    calls: list[Call] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self, waiting: int) -> Iterator[None]:
        threads = [threading.Thread(target=self._sync) for _ in range(waiting)]
        threads.append(threading.Thread(target=self._async))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join(90)

    def _sync(self) -> None:
        with self.stack.logged_in() as client:
            while not self.over.is_set():
                began = time.monotonic()
                body = {"model": "all-minilm-l6-v2", "input": "a short text"}
                with suppress(httpx.TransportError):
                    answer = client.post("/v1/embeddings", json=body)
                    retry = "Retry-After" in answer.headers
                    self.calls.append(Call(began, time.monotonic(), answer.status_code, retry, answer.text[:200]))

    def _async(self) -> None:
        with self.stack.logged_in() as client:
            number = 0
            while not self.over.wait(0.05):
                number += 1
                body = {"text": f"Text {number}. It has two sentences.", "strategy": "sentence", "archive": False}
                answer = client.post("/api/v1/segmentations", json=body, headers={"Prefer": "respond-async"})
                if answer.status_code in (201, 202):  # a short one may be done before the answer is written
                    self.accepted.append(answer.json()["id"])
                else:
                    assert answer.status_code == 503, answer.text
                    self.refused += 1

    def more(self, count: int, *, within: float = 60.0) -> None:
        """Wait until so many further calls have succeeded and so many runs were accepted."""
        good, taken = self._good(), len(self.accepted)
        eventually(lambda: self._good() >= good + count and len(self.accepted) >= taken + 5, within=within)

    def _good(self) -> int:
        return sum(call.status == 200 for call in list(self.calls))


def alive(client: httpx.Client) -> set[str]:
    return {found["name"] for found in client.get("/api/v1/cache").json()["nodes"]}


def test_no_accepted_run_is_lost_and_only_calls_of_the_killed_node_fail(home: Path) -> None:
    own = Home(home.with_name(home.name + "-redis"))
    own.create()
    redis = RedisServer(own)
    redis.ensure_running()
    try:
        with ExitStack() as stack:
            settings = {"REDIS_URL": own.redis_url, "ALTLAS_WEB_PROCESSES": "2"}
            base = stack.enter_context(stacks.running(home, **settings))
            doomed = stack.enter_context(node(base, "node-2"))
            drained = stack.enter_context(node(base, "node-3"))
            client = stack.enter_context(base.logged_in())
            eventually(lambda: alive(client) == {"node-1", "node-2", "node-3"}, within=60)
            for name in ("node-1", "node-2", "node-3"):
                order = {"node": name}
                loaded = client.post("/api/v1/models/all-minilm-l6-v2/load", json=order, timeout=120)
                assert loaded.status_code in (200, 201, 202), loaded.text
            load = Load(base)
            with load.running(waiting=3):
                load.more(20)
                killed = time.monotonic()
                kill(doomed)
                eventually(lambda: alive(client) == {"node-1", "node-3"}, within=30)
                noticed = time.monotonic()
                load.more(20)
                drained.send_signal(signal.SIGTERM)
                psutil.wait_procs([drained], timeout=60)
                load.more(20)
                assert alive(client) == {"node-1"}
                restarted = time.monotonic()
                redis.stop()
                redis.ensure_running()
                load.more(20, within=120)
            back = time.monotonic()
            unfair = [
                call
                for call in load.calls
                if call.status != 200
                # Under way on the node that was killed, or sent there before anybody could know.
                and not (call.began < noticed and call.ended > killed)
                # While Redis is away every call is told to try again.
                and not (restarted < call.ended < back and call.status == 503 and call.retry)
            ]
            assert unfair == []
            assert load.accepted

            def unfinished() -> list[str]:
                states = {run: client.get(f"/api/v1/segmentations/{run}").json()["status"] for run in load.accepted}
                return [f"{run}: {state}" for run, state in states.items() if state != "succeeded"]

            eventually(lambda: unfinished() == [], within=180, every=2.0)
    finally:
        redis.stop()
