"""The processes of an installation: what they load, how they die, what they leave."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support import stack as stacks
from tests.support.processes import gone
from tests.support.stack import Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def maps(process: psutil.Process) -> str:
    """What the process has in memory; nothing when it has ended meanwhile, as database sessions do all the time."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process.pid}/maps").read_text()
    return ""


def test_only_runners_have_torch_in_memory(stack: Stack) -> None:
    with stack.logged_in() as client:
        answer = client.post("/v1/embeddings", json={"model": "all-minilm-l6-v2", "input": "warm"})
        assert answer.status_code == 200, answer.text
    everything = stack.process.children(recursive=True)
    with_torch = {process for process in everything if "libtorch" in maps(process)}
    named = {word: stack.processes(word) for word in ("granian", "beat", "worker")}
    assert with_torch, "the runner must hold torch"
    for word in ("granian", "beat"):
        assert named[word]
        assert not with_torch & set(named[word]), f"{word} loaded torch"
    worker = min(named["worker"], key=lambda process: process.create_time())
    assert worker not in with_torch


def test_stopping_leaves_no_process_and_data_survives_the_next_start(home: Path) -> None:
    with stacks.running(home) as first:
        children = first.process.children(recursive=True)
        assert first.named("postgres") and first.named("redis-server")
        with first.logged_in() as client:
            kept = client.post(
                "/api/v1/archive/records", json={"kind": "note", "title": "stays", "text": "It must stay."}
            )
            assert kept.status_code == 201, kept.text
    eventually(lambda: all(gone(process.pid) for process in children), within=20)
    with stacks.running(home) as second, second.logged_in() as client:
        again = client.get(f"/api/v1/archive/records/{kept.json()['id']}")
        assert again.json()["title"] == "stays"


def test_a_killed_supervisor_takes_its_programs_along_and_the_next_start_recovers(home: Path) -> None:
    with stacks.running(home) as first:
        programs = first.processes("granian") + first.processes("celery")
        engines = first.named("postgres", "redis-server")
        first.process.kill()
        eventually(lambda: all(gone(program.pid) for program in programs), within=30)
        # As after a power cut: the engines are gone without a word as well.
        for process in engines:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        with stacks.running(home) as second:
            assert httpx.get(f"{second.url}/readyz", trust_env=False).status_code == 200


def test_a_program_that_dies_is_started_again(stack: Stack) -> None:
    beat = stack.processes("beat")[0]
    beat.send_signal(signal.SIGKILL)
    eventually(lambda: [p for p in stack.processes("beat") if p.pid != beat.pid], within=30)


def test_two_installations_side_by_side_do_not_disturb_each_other(stack: Stack, home: Path) -> None:
    with stacks.running(home) as other:
        with other.logged_in() as theirs, stack.logged_in() as ours:
            made = theirs.post(
                "/api/v1/archive/records", json={"kind": "note", "title": "theirs", "text": "Only here."}
            )
            assert made.status_code == 201, made.text
            assert ours.get(f"/api/v1/archive/records/{made.json()['id']}").status_code == 404
        # A token of one is worth nothing at the other.
        with stack.client() as stranger:
            answer = stranger.get("/api/v1/auth/me", headers=dict(theirs.headers))
            assert answer.status_code == 401
    assert httpx.get(f"{stack.url}/readyz", trust_env=False).status_code == 200


def test_an_embedded_engine_that_dies_is_started_again(home: Path) -> None:
    with stacks.running(home) as running:
        redis = running.named("redis-server")[0]
        redis.kill()
        with running.client() as client:
            eventually(lambda: client.get("/readyz").status_code == 503 or not redis.is_running(), within=10)
            eventually(lambda: client.get("/readyz").status_code == 200, within=30)


@pytest.mark.parametrize("size", [10, 20_000, 200_000, 5_000_000])
def test_a_refused_request_with_a_body_does_not_cost_the_next_one_of_its_connection(stack: Stack, size: int) -> None:
    body = b"x" * size
    with stack.client() as client:
        for _ in range(60 if size < 1_000_000 else 5):
            refused = client.post("/api/v1/archive/records", content=body, headers={"Authorization": "Bearer nonsense"})
            assert refused.status_code in (401, 413), refused.text
            assert client.post("/livez", content=body[:20_000]).status_code == 403
            assert client.get("/livez").status_code == 200
