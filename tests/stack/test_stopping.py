"""A node that is told to stop finishes what it has in hand, and what it does not finish is done elsewhere."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from authgateway.testing import make_user
from orchestrator import services as orchestrator
from orchestrator.selectors import cache_state
from segmentation import services
from segmentation.models import SegmentationRun
from segmentation.options import complete
from tests.orchestrator.support import node_worker
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_no_text_of_an_accepted_run_fails_because_its_node_stops(tmp_path: Path) -> None:
    options = {"latency_seconds": 0.3, "dimension": 384}
    orchestrator.model_register(name="drill", task="echo", source="echo://", version="1", options=options)
    texts = [" ".join(f"Sentence {number} of text {text} is here." for number in range(12)) for text in range(24)]
    chosen, _ = complete("topic", {})
    with node_worker(tmp_path / "a.log", name="a") as worker:
        orchestrator.model_load(model="drill", node="a")
        made = services.run_create(
            owner_id=make_user("ada").pk, texts=texts, strategy="topic", options=chosen, batch=True, model="drill"
        )
        eventually(lambda: made.run.items.filter(status="succeeded").exists(), within=60)
        os.kill(worker.process.pid, signal.SIGTERM)
        worker.process.wait(40)
        run = SegmentationRun.objects.get(pk=made.run.pk)
        assert run.status == "queued"
        assert set(run.items.values_list("status", flat=True)) == {"succeeded", "queued"}
        assert cache_state() == []
    with node_worker(tmp_path / "b.log", name="a"):
        eventually(lambda: SegmentationRun.objects.get(pk=made.run.pk).status == "succeeded", within=90)
    assert set(made.run.items.values_list("status", flat=True)) == {"succeeded"}
