"""What is measured of an installation: which node holds the model, by what its heartbeats say."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from django.core.management.base import CommandError

from altlas.kernel.redis import client
from altlas.memory.installation import Installation
from orchestrator.selectors import cluster
from orchestrator.selectors.cluster import PREFIX

NODE = "measured"


def heartbeat(*states: str) -> None:
    replicas = [{"model": "tiny", "version": "1", "state": state} for state in states]
    client("live").set(PREFIX + NODE, json.dumps({"name": NODE, "replicas": replicas}), px=60_000)


@pytest.fixture
def place() -> Iterator[Installation]:
    yield Installation(url="http://localhost", root=1)
    client("live").delete(PREFIX + NODE)


def test_a_model_that_was_just_loaded_is_found_with_the_next_heartbeat(place: Installation) -> None:
    heartbeat()
    later = threading.Timer(0.5, heartbeat, args=("ready",))
    later.start()
    assert place.node_with("tiny") == NODE
    later.join()


def test_a_model_that_no_node_gets_ready_is_named(place: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_LATE_SECONDS", 0.1)
    heartbeat("loading")
    with pytest.raises(CommandError, match="No node holds tiny"):
        place.node_with("tiny")
