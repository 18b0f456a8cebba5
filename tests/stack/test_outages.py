"""What callers see while an engine or a runner is away, and afterwards."""

from __future__ import annotations

import concurrent.futures
import signal
import time
from pathlib import Path

import psutil
import pytest

from altlas.engines.layout import Home
from altlas.engines.redis_server import RedisServer
from tests.support import stack as stacks
from tests.support.stack import Stack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def test_without_redis_requests_get_503_with_retry_after_and_work_again_later(home: Path) -> None:
    own = Home(home.with_name(home.name + "-redis"))
    own.create()
    redis = RedisServer(own)
    redis.ensure_running()
    try:
        with stacks.running(home, REDIS_URL=own.redis_url) as running, running.logged_in() as client:
            body = {"text": "One sentence. Another one.", "strategy": "sentence"}
            # The first one waits for the model to be loaded.
            warm = client.post("/api/v1/segmentations", json=body, headers={"Prefer": "wait=60"})
            assert warm.status_code == 201, warm.text
            redis.stop()
            for _ in range(3):
                refused = client.post("/api/v1/segmentations", json=body)
                assert refused.status_code == 503, refused.text
                assert refused.headers["Content-Type"].startswith("application/problem+json")
                assert int(refused.headers["Retry-After"]) >= 1
            not_ready = client.get("/readyz")
            assert not_ready.status_code == 503
            assert not_ready.json()["checks"]["redis"]["status"] == "failing"
            # What needs only the database goes on, and so do the checks of tokens.
            assert client.get("/api/v1/archive/records").status_code == 200
            assert client.get("/livez").status_code == 200
            redis.ensure_running()
            eventually(lambda: client.get("/readyz").status_code == 200, within=30)
            eventually(lambda: client.post("/api/v1/segmentations", json=body).status_code == 201, within=30)
    finally:
        redis.stop()


def test_a_runner_killed_in_the_middle_fails_that_request_alone(stack: Stack) -> None:
    slow = {"input": [f"number {n} " + "word " * 200 for n in range(400)], "model": "all-minilm-l6-v2"}
    quick = {"input": "short", "model": "all-minilm-l6-v2"}
    with stack.logged_in() as client, concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert client.post("/v1/embeddings", json=quick).status_code == 200
        asked = time.time()
        under_way = pool.submit(client.post, "/v1/embeddings", json=slow)

        def busy() -> dict[str, object] | None:
            with stack.logged_in() as watcher:
                nodes = watcher.get("/api/v1/cache").json()["nodes"]
            told = [node for node in nodes if node["at"] > asked]  # an older sign of life may tell of the quick one
            return next((r for node in told for r in node["replicas"] if r["leases"] > 0), None)

        replica = eventually(busy, within=30)
        psutil.Process(int(str(replica["pid"]))).send_signal(signal.SIGKILL)
        answer = under_way.result(60)
        assert answer.status_code == 503, answer.text
        assert "runner_crashed" in answer.text
        again = client.post("/v1/embeddings", json=quick)
        assert again.status_code == 200, again.text
        assert len(again.json()["data"]) == 1


def test_no_node_means_503_at_once(home: Path) -> None:
    with stacks.running(home) as running, running.logged_in() as client:
        worker = min(running.processes("worker"), key=lambda process: process.create_time())
        worker.suspend()
        try:
            eventually(lambda: client.get("/readyz").status_code == 503, within=30)
            refused = client.post("/v1/embeddings", json={"input": "x", "model": "all-minilm-l6-v2"})
            assert refused.status_code == 503
            assert refused.elapsed.total_seconds() < 5
        finally:
            worker.resume()
        eventually(lambda: client.get("/readyz").status_code == 200, within=30)
        budget = "altlas_model_budget_bytes{"
        assert budget in client.get("/metrics").text
        worker.kill()
        eventually(lambda: budget not in client.get("/metrics").text, within=10)  # what an alert looks for
        eventually(lambda: budget in client.get("/metrics").text, within=60)
