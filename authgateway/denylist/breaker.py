"""Circuit breaker: a Redis that fails or hangs is left alone for a while instead of costing every request a timeout."""

from __future__ import annotations

import threading
from collections.abc import Callable

from altlas.kernel.clock import monotonic


class Breaker:
    """Closed, open for ``seconds`` after ``failures`` in a row, then one trial decides."""

    def __init__(self, *, failures: int, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        return self._clock() < self._open_until

    def allows(self) -> bool:
        """Whether to try now. While open, nobody; after that one caller at a time per period."""
        if self._failed < self._limit:
            return True
        with self._lock:
            moment = self._clock()
            if moment < self._open_until:
                return False
            # This caller is the trial; the others stay away until it has had its time.
            self._open_until = moment + self._seconds
            return True

    def succeeded(self) -> None:
        if self._failed:
            with self._lock:
                self._failed = 0
                self._open_until = 0.0

    def failed(self) -> bool:
        """Count a failure; return whether this one opened the breaker."""
        with self._lock:
            self._failed += 1
            if self._failed >= self._limit:
                self._open_until = self._clock() + self._seconds
            return self._failed == self._limit

    def reset(self) -> None:
        self.succeeded()
