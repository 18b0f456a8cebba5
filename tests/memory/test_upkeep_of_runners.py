"""A runner's collector is switched off between set points: what runs meanwhile must not leave cycles."""

from __future__ import annotations

import gc

import pytest

from orchestrator.runner import housekeeping, memory
from orchestrator.runner.housekeeping import Housekeeping


def test_a_sign_of_life_leaves_nothing_for_the_collector() -> None:
    memory.report()
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            memory.report()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_giving_memory_back_leaves_nothing_for_the_collector() -> None:
    memory.trim()
    gc.disable()
    try:
        memory.trim()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_memory_goes_back_under_load_too_but_not_at_every_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    returns: list[float] = []
    monkeypatch.setattr(housekeeping, "trim", lambda: returns.append(now))
    upkeep = Housekeeping(passes=4, trim_seconds=30.0, clock=lambda: now)
    for second in range(100):  # a pass a second, a set point every four
        now = float(second)
        upkeep.passed()
    assert returns == [3.0, 35.0, 67.0, 99.0]
