"""A runner's collector is switched off between set points: what runs meanwhile must not leave cycles."""

from __future__ import annotations

import gc

from orchestrator.runner import memory


def test_a_sign_of_life_leaves_nothing_for_the_collector() -> None:
    memory.report()
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
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
