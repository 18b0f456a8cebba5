"""The owner loop: time passes in it however many events there are, and whoever asks as it ends is answered."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from altlas.kernel.errors import AltlasError
from orchestrator.supervisor.core import CoreSettings
from orchestrator.supervisor.forkserver import ForkServer
from orchestrator.supervisor.policy import Limits
from orchestrator.supervisor.supervisor import Supervisor, SupervisorSettings
from tests.orchestrator.support import MB, supervised
from tests.support.waiting import eventually


def test_time_passes_while_one_event_follows_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    with supervised(spare=False) as scene:
        ticks, supervisor = [0], scene.supervisor

        def work() -> None:
            time.sleep(0.001)
            if not over.is_set():
                supervisor._report(work)

        def tick(*, now: float) -> None:
            ticks[0] += 1

        supervisor._report(work)
        supervisor._report(work)  # there is always one more
        time.sleep(0.1)
        monkeypatch.setattr(supervisor._core, "tick", tick)
        try:
            eventually(lambda: ticks[0] >= 3, within=20)
        finally:
            over.set()


def test_leases_that_end_together_have_the_loop_look_once() -> None:
    with supervised(spare=False) as scene:
        supervisor, busy, over = scene.supervisor, threading.Event(), threading.Event()

        def wait() -> None:
            busy.set()
            assert over.wait(20)

        supervisor._report(wait)
        assert busy.wait(20)
        supervisor._hungry = True
        for _ in range(50):
            supervisor._released()
        assert supervisor._inbox.qsize() == 1
        over.set()
        eventually(lambda: not supervisor._pumping, within=20)


class Interrupted(queue.SimpleQueue[Any]):
    """An inbox in front of which whoever puts something next is overtaken by ``other``, if that is possible."""

    other: Callable[[], None] | None = None

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        other, self.other = self.other, None
        if other is not None:
            thread = threading.Thread(target=other)
            thread.start()
            thread.join(2.0)
        super().put(item, block, timeout)


def test_whoever_asks_while_the_node_stops_is_answered_or_refused_at_once() -> None:
    limits = Limits(budget=512 * MB)
    supervisor = Supervisor(
        SupervisorSettings(core=CoreSettings(limits=limits), spare=False), forkserver=ForkServer(preload="")
    )
    supervisor._inbox = inbox = Interrupted()
    supervisor.start()
    inbox.other = supervisor.stop
    assert supervisor.held() == set()
    eventually(lambda: not supervisor._thread.is_alive(), within=20)
    with pytest.raises(AltlasError, match="stopping"):
        supervisor.held()
