"""Inference from the web process through a real node worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from orchestrator import exceptions, services
from orchestrator.selectors import cache_state
from tests.orchestrator.support import Worker, node_worker
from tests.support.processes import gone
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(transactional_db: None, tmp_path: Path) -> Iterator[Worker]:
    services.default_register()
    with node_worker(tmp_path / "worker.log") as started:
        yield started


def test_a_web_process_gets_embeddings_from_a_node(worker: Worker) -> None:
    result = services.infer(model="all-minilm-l6-v2", inputs=["a cat", "a kitten", "tax law"], deadline=90)

    assert result.outputs.shape == (3, 384) and result.outputs.dtype == np.float32
    assert np.allclose(np.linalg.norm(result.outputs, axis=1), 1.0, atol=1e-5)
    similar, different = result.outputs[0] @ result.outputs[1], result.outputs[0] @ result.outputs[2]
    assert similar > different
    assert result.node == worker.name and result.version == "1" and len(result.token_counts) == 3
    # By the next sign of life.
    eventually(
        lambda: [[held["model"] for held in node["replicas"]] for node in cache_state()] == [[result.model]], within=10
    )


def test_errors_rise_in_the_web_process_as_the_class_they_had_in_the_node(worker: Worker) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1")

    with pytest.raises(exceptions.ModelNotFound):
        services.infer(model="nothing", inputs=["x"])
    with pytest.raises(exceptions.TaskMismatch):
        services.infer(model="all-minilm-l6-v2", inputs=["x"], task="fill-mask")
    with pytest.raises(exceptions.InferenceFailed):
        services.infer(model="drill", inputs=["!error"])
    with pytest.raises(exceptions.InferenceTimeout):
        services.infer(model="drill", inputs=["!sleep 3"], deadline=0.5)
    with pytest.raises(exceptions.RunnerCrashed):
        services.infer(model="drill", inputs=["!crash"])
    assert services.infer(model="drill", inputs=["again"]).outputs.shape == (1, 8)


def test_without_a_live_node_the_answer_is_immediate() -> None:
    begun = time.monotonic()
    with pytest.raises(exceptions.NodeUnavailable) as caught:
        services.infer(model="all-minilm-l6-v2", inputs=["x"], deadline=30)
    assert time.monotonic() - begun < 10.0
    assert caught.value.retry_after


def test_a_killed_worker_leaves_no_process_behind_and_no_heartbeat(worker: Worker) -> None:
    services.model_register(name="drill", task="echo", source="echo://", version="1")
    services.infer(model="drill", inputs=["x"])
    family = worker.children()
    assert len(family) >= 2  # the fork server and a runner

    worker.process.kill()
    worker.process.wait()

    eventually(lambda: all(gone(process.pid) for process in family), within=20)
    eventually(lambda: cache_state() == [], within=20)
