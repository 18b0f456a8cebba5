"""Who waits for an answer from a node hears it, also when Redis cannot be asked for a moment meanwhile."""

from __future__ import annotations

import json
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from altlas.kernel import replies
from altlas.kernel.errors import Unavailable
from altlas.kernel.redis import client
from orchestrator.exceptions import NodeUnavailable
from orchestrator.lane import LaneReaders, queue
from orchestrator.selectors.cluster import PREFIX
from orchestrator.services import operate
from tests.support.waiting import eventually

_DONE = {"model": "drill", "version": None, "node": "n", "replicas": 1}


@pytest.fixture
def node() -> Iterator[str]:
    """A node that gives signs of life."""
    name = f"orders-{uuid.uuid4()}"
    client("live").set(PREFIX + name, json.dumps({"name": name}), px=60_000)
    yield name
    client("live").delete(PREFIX + name)


class Away:
    """Reply channels of a Redis that cannot be asked a number of times, and then until the reply is there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, failures: int) -> None:
        self._real, self._failures = replies.receive, failures
        self.asked, self.replied = 0, threading.Event()
        monkeypatch.setattr(replies, "receive", self._receive)
        monkeypatch.setattr(queue, "_SLICE", 0.05)

    def _receive(self, reply_id: str, *, timeout: float) -> Any:
        self.asked += 1
        if self.asked <= self._failures:
            raise Unavailable("away")
        if self._failures:
            assert self.replied.wait(20)
        return self._real(reply_id, timeout=timeout)

    def reply(self, reply_id: str, payload: dict[str, Any]) -> None:
        replies.send(reply_id, payload)
        self.replied.set()


def cancel(node: str, *, seconds: float) -> dict[str, Any]:
    return operate.send_order("cancel", model="drill", version=None, node=node, seconds=seconds)


def test_a_redis_that_is_away_for_a_moment_costs_no_order(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    away = Away(monkeypatch, failures=3)
    readers = LaneReaders(node, threads=1, serve=lambda request: away.reply(request["reply_id"], _DONE), orders=True)
    readers.start()
    try:
        assert cancel(node, seconds=20) == _DONE
    finally:
        readers.stop()
    assert away.asked == 4


def test_an_order_whose_time_is_over_while_redis_is_away_fails(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Away(monkeypatch, failures=1000)
    with pytest.raises(Unavailable, match="away"):
        cancel(node, seconds=0.1)


def test_an_order_does_not_wait_for_a_node_that_died(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Away(monkeypatch, failures=0)
    client("live").delete(PREFIX + node)
    with pytest.raises(NodeUnavailable, match=f"{node}' died before it answered"):
        cancel(node, seconds=20)


def test_a_redis_that_is_away_for_a_moment_costs_no_inference_by_celery(monkeypatch: pytest.MonkeyPatch) -> None:
    def sent(_name: str, *, kwargs: Mapping[str, Any], **_options: Any) -> None:
        away.reply(kwargs["reply_id"], {"values": ["x"]})

    away = Away(monkeypatch, failures=3)
    module = sys.modules["orchestrator.services.infer"]  # of which the package has the function by that name
    monkeypatch.setattr(module, "enqueue", sent)
    assert module._by_celery({"verb": "infer", "model": "drill"}, 20) == {"values": ["x"]}
    assert away.asked == 4


def test_a_node_that_was_busy_follows_the_catalogue_late(node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operate, "_SETTLE_SECONDS", 0.01)
    assert operate.nodes_settle(model="drill", besides="2") == 0  # nobody answers
    served = list[dict[str, Any]]()
    readers = LaneReaders(node, threads=1, serve=served.append, orders=True)
    readers.start()
    try:
        eventually(lambda: [(order["verb"], order["version"]) for order in served] == [("settle", "2")], within=10)
    finally:
        readers.stop()


def test_what_one_node_answered_counts_also_when_another_took_all_the_time(
    node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Away(monkeypatch, failures=0)
    silent = f"{node}-silent"
    client("live").set(PREFIX + silent, json.dumps({"name": silent}), px=60_000)
    readers = LaneReaders(node, threads=1, serve=lambda request: replies.send(request["reply_id"], _DONE), orders=True)
    readers.start()
    try:
        found = operate.orders_send("cancel", model="drill", version=None, nodes=[silent, node], seconds=1)
    finally:
        readers.stop()
        client("live").delete(PREFIX + silent)
    assert isinstance(found[silent], NodeUnavailable)
    assert found[node] == _DONE


def test_a_load_goes_to_a_node_that_was_seen_also_when_redis_goes_away_meanwhile(
    drill: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([[{"name": "n", "used_bytes": 0, "replicas": []}]])
    monkeypatch.setattr(operate, "live_nodes", lambda **_: next(looks, []))
    monkeypatch.setattr(operate, "load_on", lambda _row, *, node, **_: {"node": node})
    assert operate.model_load(model=drill) == {"node": "n"}
    with pytest.raises(NodeUnavailable):
        operate.model_load(model=drill)
