"""A node inside the test process, for tests of what is in front of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator import services
from orchestrator.conf import conf
from orchestrator.services.specs import spec_forget
from orchestrator.worker import node
from orchestrator.worker.heartbeat import Heartbeat
from tests.orchestrator.support import Scene, supervised


@pytest.fixture
def local_node(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """This process is a node, with real runners that have no torch; ``drill`` is an echo model."""
    spec_forget()
    with supervised() as scene:
        node.become(node.NodeWorker(name="here", supervisor=scene.supervisor))
        monkeypatch.setattr(conf, "heartbeat_ttl", 120.0)  # it reports once
        heartbeat = Heartbeat(name="here", supervisor=scene.supervisor)
        heartbeat.report()
        try:
            yield scene
        finally:
            node.become(None)
            heartbeat.over()
            spec_forget()


@pytest.fixture
def drill(db: None) -> str:
    services.model_register(name="drill", task="echo", source="echo://", version="1")
    return "drill"
