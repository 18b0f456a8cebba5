"""Who leads a forward pass: short requests go ahead of long ones, and nobody waits for ever."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from orchestrator.runner.batching import OVERTAKEN, Item, Pool, Request
from orchestrator.runner.shapes import Grid
from tests.orchestrator.support import echo, supervised, within

GRID = Grid.build(max_tokens=256, token_bound=1024)
LONG = 256  # tokens: four inputs fill a pass


class Waiting:
    """A pool to which requests come."""

    def __init__(self, grid: Grid | None) -> None:
        self.pool = Pool(token_bound=1024, grid=grid)
        self._numbers = itertools.count(1)

    def ask(self, *, inputs: int = 1, length: int = 10, **params: Any) -> Request:
        number = next(self._numbers)
        request = Request(id=number, count=inputs, arrival=number, params=params)
        self.pool.add(request, [Item(request, at, length, None) for at in range(inputs)])
        return request

    def served(self) -> set[int]:
        """Run a pass; return whose inputs were in it."""
        return {item.request.id for item in self.pool.next_batch()}


@pytest.mark.parametrize("grid", [GRID, None], ids=["grid", "free"])
@pytest.mark.parametrize("newcomers", [[{"length": 10}, {"length": 60}], [{"kind": 1}, {"kind": 2}]])
def test_a_request_of_several_passes_is_answered_however_many_others_come(
    grid: Grid | None, newcomers: list[dict[str, Any]]
) -> None:
    scene = Waiting(grid)
    document = scene.ask(inputs=12, length=LONG)
    for newcomer, _pass in zip(itertools.cycle(newcomers), range(3 * (OVERTAKEN + 1)), strict=False):
        scene.ask(**newcomer)
        scene.served()
    assert not document.waiting


@pytest.mark.parametrize("grid", [GRID, None], ids=["grid", "free"])
def test_a_short_request_goes_ahead_of_any_number_of_long_ones(grid: Grid | None) -> None:
    scene = Waiting(grid)
    documents = [scene.ask(inputs=400, length=LONG) for _ in range(10)]
    for _ in range(2 * len(documents)):
        scene.served()
    passes = led_by_a_document = 0
    for _ in range(50):
        short, passes = scene.ask(), passes + 1
        if short.id not in scene.served():
            led_by_a_document, passes = led_by_a_document + 1, passes + 1
            assert short.id in scene.served()
    assert 0 < led_by_a_document <= passes // (OVERTAKEN + 1) + 1
    assert all(document.waiting for document in documents)


@pytest.mark.parametrize("grid", [GRID, None], ids=["grid", "free"])
def test_requests_of_several_passes_take_turns_while_others_come(grid: Grid | None) -> None:
    scene = Waiting(grid)
    documents = [scene.ask(inputs=400, length=LONG) for _ in range(3)]
    before = [len(document.waiting) for document in documents]
    for _ in range(3 * 4 * (OVERTAKEN + 1)):
        scene.ask()
        scene.served()
    taken = [then - len(document.waiting) for then, document in zip(before, documents, strict=True)]
    assert min(taken) >= 12 and max(taken) - min(taken) <= 4, taken


def test_short_requests_that_wait_for_long_are_served_in_the_order_in_which_they_came() -> None:
    scene = Waiting(None)
    asked = [scene.ask(length=length) for length in (256, 10, 200, 30) * 25]
    while scene.pool:
        oldest = min(request.id for request in asked if request.waiting)
        assert oldest in scene.served()


def test_a_long_request_is_answered_beside_clients_that_ask_all_the_time() -> None:
    spec, over = echo(latency_seconds=0.02), threading.Event()

    def ask(length: int) -> None:
        while not over.is_set():
            scene.supervisor.infer(spec, ["z" * length], deadline=within(60))

    with supervised() as scene, ThreadPoolExecutor(4) as pool:
        scene.supervisor.infer(spec, ["x"], deadline=within(30))
        clients = [pool.submit(ask, length) for length in (10, 20, 40, 80)]
        try:
            time.sleep(0.5)
            assert scene.supervisor.infer(spec, ["y" * LONG] * 12, deadline=within(10))["shape"] == [12, 8]
        finally:
            over.set()
        for client in clients:
            client.result(60)
