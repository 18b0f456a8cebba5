"""A task may take what its caller gave it, whatever the clocks of the two machines say."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redis

from altlas.kernel import replies
from orchestrator import tasks
from orchestrator.lane import shared_time
from orchestrator.services import operate

Sent = dict[str, Any]


@pytest.fixture(params=[-100.0, 100.0])
def skew(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node's thread sees another time than the rest of the process."""
    real = time.time
    monkeypatch.setattr(
        time, "time", lambda: real() + (request.param if threading.current_thread().name == "node" else 0.0)
    )


@pytest.fixture(autouse=True)
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_time, "_measured", None)


def on_the_node(work: Callable[[], object]) -> None:
    node = threading.Thread(target=work, name="node", daemon=True)
    node.start()
    node.join(20)


def left_of(*, until: float, **_: object) -> dict[str, float]:
    return {"left": until - time.monotonic()}


def test_an_order_that_goes_as_a_task_has_the_seconds_that_it_was_given(
    skew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = list[Sent]()
    monkeypatch.setattr(operate, "enqueue", lambda _name, **options: sent.append(options))
    monkeypatch.setattr(tasks, "order_here", left_of)
    reply_id = operate._post("load", model="drill", version=None, node="n", seconds=20)
    on_the_node(lambda: tasks.order(**sent[0]["kwargs"]))
    answer = replies.receive(reply_id, timeout=1)
    assert answer is not None and 10 < answer["left"] <= 20
    assert "expires" not in sent[0], "Celery would look at the clock of the node's machine"


def test_an_inference_by_celery_has_the_seconds_that_it_was_given(skew: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = list[Sent]()

    def send(_name: str, **options: Any) -> None:
        sent.append(options)
        on_the_node(lambda: tasks.infer(**options["kwargs"]))

    module = sys.modules["orchestrator.services.infer"]  # of which the package has the function by that name
    monkeypatch.setattr(module, "enqueue", send)
    monkeypatch.setattr(tasks, "infer_here", left_of)
    request = {"verb": "infer", "model": "drill", "version": None, "task": None, "inputs": ["x"], "params": {}}
    answer = module._by_celery(request, 20.0)
    assert answer is not None and 10 < answer["left"] <= 20
    assert "expires" not in sent[0]


def test_a_task_whose_time_is_over_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    done = list[float]()
    monkeypatch.setattr(tasks, "order_here", lambda *, until, **_: done.append(until))
    tasks.order(reply_id="r", verb="load", model="drill", version=None, until=shared_time.now() - 0.1)
    assert not done


def test_the_shared_time_is_asked_for_now_and_then_and_goes_on_without_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    real, asked = shared_time.client, list[str]()

    def client(role: Any) -> Any:
        asked.append(role)
        return real(role)

    def away(_role: Any) -> Any:
        raise redis.ConnectionError

    monkeypatch.setattr(shared_time, "client", client)
    times = [shared_time.now() for _ in range(5)]
    assert times == sorted(times) and len(asked) == 1
    monkeypatch.setattr(shared_time, "client", away)
    monkeypatch.setattr(shared_time, "_KEPT_SECONDS", 0.0)
    assert 0 <= shared_time.now() - times[-1] < 5
    monkeypatch.setattr(shared_time, "_measured", None)
    assert abs(shared_time.now() - time.time()) < 1
