"""Waiting for something to become true, without guessing how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T], *, within: float, every: float = 0.05) -> T:
    """Return the first true value of ``probe``; fail when none came within ``within`` seconds.

    An ``AssertionError`` of the probe counts as not yet, and is what the failure shows. A probe that begins when the
    time is over has the last word: what was slow, then, was perhaps this process alone.
    """
    deadline = time.monotonic() + within
    failure: AssertionError | None = None
    while True:
        over = time.monotonic() > deadline
        try:
            if found := probe():
                return found
        except AssertionError as exc:
            failure = exc
        if over:
            raise AssertionError(f"not true within {within} s") from failure
        time.sleep(every)
