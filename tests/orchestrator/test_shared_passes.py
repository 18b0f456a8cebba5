"""What goes wrong with one request's part of a shared pass: every request is answered once, the others as if alone."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from orchestrator.runner import frames
from orchestrator.runner.batching import Company, Pool
from orchestrator.runner.loaders.base import Encoded
from orchestrator.runner.process import Runner

GOOD, BAD = "good", "bad"


class Faulty:
    """A loader whose outputs for ``BAD`` are what ``output`` says."""

    def __init__(self, output: Any) -> None:
        self.output = output
        self.passes: list[list[str]] = []

    def encode(self, inputs: Sequence[Any], params: dict[str, Any]) -> list[Encoded]:
        return [Encoded(length=len(text), payload=text) for text in inputs]

    def forward(self, rows: Sequence[Any], params: dict[str, Any]) -> Iterator[Any]:
        self.passes.append(list(rows))
        return (self.output if row == BAD else np.zeros(2, "<f4") for row in rows)


def answers(loader: Any, *requests: list[str]) -> dict[int, str]:
    """Return how each of the requests, which all wait at once, is answered."""
    ours, its = socket.socketpair()
    ours.settimeout(10)
    with closing(ours), closing(its):
        runner = Runner(its)
        runner._loader, runner._pool, runner._company = loader, Pool(token_bound=1024), Company(most=0.0)
        for number, inputs in enumerate(requests):
            runner._inbox.put({"op": "infer", "id": number, "inputs": inputs})
        while not runner._inbox.empty() or runner._pool:
            runner._turn()
        its.shutdown(socket.SHUT_WR)
        found: dict[int, str] = {}
        while (message := frames.receive(ours)) is not None:
            assert message["id"] not in found
            found[message["id"]] = message["op"]
        return found


@pytest.mark.parametrize("output", [np.zeros(3, "<f4"), object()], ids=["of another shape", "unspeakable"])
def test_an_answer_that_cannot_be_put_together_is_an_error_of_its_request_alone(output: Any) -> None:
    loader = Faulty(output)
    assert answers(loader, [GOOD], [GOOD, BAD], [GOOD, GOOD]) == {0: "result", 1: "error", 2: "result"}
    assert len(loader.passes) == 1, "what was computed is not computed again"


class Short(Faulty):
    """Forgets the outputs for ``BAD``."""

    def forward(self, rows: Sequence[Any], params: dict[str, Any]) -> Iterator[Any]:
        return (output for row, output in zip(rows, super().forward(rows, params), strict=True) if row != BAD)


def test_a_pass_with_an_output_too_few_is_run_one_by_one() -> None:
    assert answers(Short(None), [GOOD], [BAD, GOOD], [GOOD]) == {0: "result", 1: "error", 2: "result"}
