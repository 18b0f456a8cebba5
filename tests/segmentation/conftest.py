"""A node inside the test process: runs are executed where they would be queued, models are hashed words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID
from zlib import crc32

import numpy as np
import pytest
from rest_framework.test import APIClient

from authgateway.models import User
from authgateway.testing import bearer, make_user
from orchestrator.services import InferenceResult
from segmentation import nodes, services
from segmentation.encoder import normalised
from segmentation.execution import run_execute


class FakeModels:
    """Stands in for ``orchestrator.services.infer``: the vector of a text is the sum of random ones of its words."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.inputs: list[str] = []
        self.before: Callable[[], None] = lambda: None

    def infer(self, *, model: str, inputs: Sequence[str], deadline: float | None = None, **_: Any) -> InferenceResult:
        self.before()
        if self.error is not None:
            raise self.error
        self.inputs.extend(inputs)
        rows = np.vstack([self._row(text) for text in inputs])
        return InferenceResult(model=model, version="1", outputs=normalised(rows), node="fake")

    @staticmethod
    def _row(text: str) -> Any:
        row = np.full(384, 0.01, dtype=np.float32)
        for word in text.lower().split():
            row += np.random.default_rng(crc32(word.encode())).standard_normal(384).astype(np.float32)
        return row


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> FakeModels:
    fake = FakeModels()
    monkeypatch.setattr("orchestrator.services.infer", fake.infer)
    return fake


class FakeNode:
    """Takes the tasks of runs; executes them at once unless it is ``idle``."""

    def __init__(self) -> None:
        self.idle = False
        self.taken: list[tuple[UUID, str]] = []

    def enqueue(self, name: str, *, args: Sequence[Any], **_: Any) -> None:
        assert name == services.EXECUTE
        self._take(UUID(args[0]), args[1])

    def _take(self, run_id: UUID, reply_id: str) -> None:
        self.taken.append((run_id, reply_id))
        if not self.idle:
            run_execute(run_id=run_id, reply_id=reply_id)

    def deliver(self) -> list[bool]:
        """Execute what was taken, again or for the first time."""
        return [run_execute(run_id=run_id, reply_id=reply_id) for run_id, reply_id in self.taken]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, models: FakeModels) -> FakeNode:
    fake = FakeNode()
    monkeypatch.setattr(services, "enqueue", fake.enqueue)
    monkeypatch.setattr(nodes, "require_live", lambda: None)
    return fake


@pytest.fixture
def user(db: None) -> User:
    return make_user("segmenter", password=None)


@pytest.fixture
def api(user: User, node: FakeNode) -> Iterator[APIClient]:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=bearer(user)["Authorization"])
    yield client
