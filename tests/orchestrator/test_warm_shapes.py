"""Shapes that are not run yet are run while nobody asks; who asks is not made to stand behind them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from orchestrator.runner import warming
from orchestrator.runner.process import Runner
from orchestrator.runner.shapes import Grid, Shape
from orchestrator.runner.warming import FIRST_SECONDS, QUIET_SECONDS, STREAM_COST, STREAM_SECONDS, Warming
from tests.support.waiting import eventually

SHAPES = Grid.build(max_tokens=256, token_bound=1024).shapes()
TOKEN_SECONDS = 0.00025


def seconds_of(shape: Shape) -> float:
    return shape.rows * shape.width * TOKEN_SECONDS


def delays(*, pause: float, requests: int, work: float = 0.012) -> tuple[list[float], int]:
    """Let a client ask ``requests`` times, each ``pause`` after its answer; return for how long each of them stood
    behind a shape, and how many shapes are left."""
    now, arrival = 0.0, 0.1
    warming, found = Warming(SHAPES, now=now), list[float]()
    for _ in range(requests):
        while now < arrival and warming:
            shape, quiet = warming.next(now)
            if shape is None:
                now = min(now + quiet, arrival)
            else:
                now += seconds_of(shape)
                warming.ran(shape, seconds=seconds_of(shape), now=now)
        found.append(max(0.0, now - arrival))
        now = max(now, arrival)
        warming.asked(now)
        now += work
        warming.asked(now)
        arrival = now + pause
    return found, len(warming)


def test_the_request_that_caused_the_load_goes_first() -> None:
    warming = Warming(SHAPES, now=10.0)
    assert warming.next(10.0) == (None, FIRST_SECONDS)
    assert warming.next(10.0 + FIRST_SECONDS) == (SHAPES[0], 0.0)


def test_in_a_pause_all_are_run_one_after_the_other_the_largest_first() -> None:
    warming, now, ran, waited = Warming(SHAPES, now=0.0), 0.0, list[Shape](), 0.0
    warming.asked(now)
    while warming:
        shape, quiet = warming.next(now)
        if shape is None:
            now, waited = now + quiet, waited + quiet
        else:
            now += seconds_of(shape)
            warming.ran(shape, seconds=seconds_of(shape), now=now)
            ran.append(shape)
    assert ran == SHAPES
    assert waited < 2 * max(map(seconds_of, SHAPES))


@pytest.mark.parametrize("pause", [0.005, 0.04, 0.1, 0.25])
def test_a_client_that_pauses_is_hardly_ever_delayed(pause: float) -> None:
    found, _left = delays(pause=pause, requests=200)
    spent = 200 * (0.012 + pause)
    assert sum(delay > 0 for delay in found) <= 3 + spent / STREAM_SECONDS


def test_a_stream_that_never_pauses_has_those_run_that_take_little() -> None:
    found, left = delays(pause=QUIET_SECONDS / 2, requests=int(70 * STREAM_SECONDS / (0.012 + QUIET_SECONDS / 2)))
    assert left == sum(seconds_of(shape) > STREAM_COST for shape in SHAPES)
    assert max(found) <= STREAM_COST + seconds_of(SHAPES[0]) * (found[0] > 0)


class Recorder:
    def __init__(self) -> None:
        self.ran: list[Shape] = []

    def warm_shape(self, shape: Shape) -> None:
        self.ran.append(shape)


@pytest.fixture
def runner() -> Iterator[tuple[Runner, Recorder]]:
    ours, its = socket.socketpair()
    made, loader = Runner(its), Recorder()
    made._loader = loader  # type: ignore[assignment]
    made._warming = Warming(SHAPES, now=time.monotonic())
    made._warming.asked(time.monotonic())
    yield made, loader
    for end in (ours, its):
        end.close()


def test_a_runner_that_is_asked_runs_none(runner: tuple[Runner, Recorder], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "QUIET_SECONDS", 10.0)  # no machine is so slow
    made, loader = runner
    threading.Timer(0.01, lambda: made._inbox.put({"op": "trim"})).start()
    assert made._next() == {"op": "trim"}
    assert loader.ran == []


def test_a_runner_that_is_left_alone_runs_all(runner: tuple[Runner, Recorder]) -> None:
    made, loader = runner

    def ask_later() -> None:
        with suppress(AssertionError):  # told by what has been run
            eventually(lambda: len(loader.ran) >= len(SHAPES), within=20)
        made._inbox.put({"op": "trim"})

    threading.Thread(target=ask_later, daemon=True).start()
    assert made._next() == {"op": "trim"}
    assert loader.ran == SHAPES
