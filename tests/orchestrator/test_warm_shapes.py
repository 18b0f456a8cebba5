"""Shapes that are not run yet are run while nobody asks; a stream of requests is not made to stand behind them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.runner import frames
from orchestrator.runner.process import Runner
from orchestrator.runner.shapes import Shape


class Recorder:
    def __init__(self) -> None:
        self.ran: list[Shape] = []

    def warm_shape(self, shape: Shape) -> None:
        self.ran.append(shape)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Runner, Recorder]]:
    ours, its = socket.socketpair()
    runner, loader = Runner(its), Recorder()
    runner._loader = loader  # type: ignore[assignment]
    runner._cold = [Shape(rows=1, width=8 * number) for number in range(1, 21)]
    runner._arrivals = 1
    threading.Thread(target=reader(runner), daemon=True).start()
    yield ours, runner, loader
    for end in (ours, its):
        end.close()


def reader(runner: Runner) -> Any:
    def read() -> None:
        while (message := frames.receive(runner._connection)) is not None:
            runner._inbox.put(message)

    return read


def test_between_requests_that_follow_one_another_no_shape_is_run(ends: tuple[Any, Runner, Recorder]) -> None:
    ours, runner, loader = ends
    runner._warmed_at = time.monotonic()
    threading.Timer(0.01, lambda: frames.send(ours, {"op": "trim"})).start()
    assert runner._next() == {"op": "trim"}
    assert loader.ran == []


def test_a_stream_that_never_pauses_has_one_run_now_and_then(ends: tuple[Any, Runner, Recorder]) -> None:
    ours, runner, loader = ends
    runner._warmed_at = time.monotonic() - 60
    threading.Timer(0.01, lambda: frames.send(ours, {"op": "trim"})).start()
    assert runner._next() == {"op": "trim"}
    assert len(loader.ran) == 1


def test_in_a_pause_all_are_run(ends: tuple[Any, Runner, Recorder]) -> None:
    ours, runner, loader = ends
    runner._warmed_at = time.monotonic()
    threading.Timer(3.0, lambda: frames.send(ours, {"op": "trim"})).start()
    assert runner._next() == {"op": "trim"}
    assert len(loader.ran) == 20
