"""Priority on the direct lane: an urgent request goes before all that waits for the node."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from altlas.kernel import replies
from orchestrator import lane
from tests.support.waiting import eventually


def test_an_urgent_request_is_served_before_those_that_came_first() -> None:
    node, served = f"priority-{uuid.uuid4()}", []
    answers: dict[str, Any] = {}

    def ask(name: str, urgent: bool) -> None:
        answers[name] = lane.ask(node, {"name": name}, seconds=20, alive=lambda _node: True, urgent=urgent)

    def serve(request: dict[str, Any]) -> None:
        served.append(request["name"])
        replies.send(request["reply_id"], {"name": request["name"]})

    callers = []
    for waiting, (name, urgent) in enumerate([("first", False), ("second", False), ("urgent", True)], start=1):
        callers.append(threading.Thread(target=ask, args=(name, urgent), daemon=True))
        callers[-1].start()
        eventually(lambda count=waiting: lane.length(node) == count, within=10)  # type: ignore[misc]
    readers = lane.LaneReaders(node, threads=1, serve=serve)
    readers.start()
    for caller in callers:
        caller.join(20)
    readers.stop()

    assert served == ["urgent", "first", "second"]
    assert answers == {name: {"name": name} for name in served}
