"""How many requests of one process may be in the archive at once.

When the database holds everybody up, every request thread would end up waiting for it, and requests behind them would
wait their deadline twice: once in the queue, once in the database. So the archive leaves a few threads free, and these
answer 503 at once while nothing moves. While things do move, a request waits a moment for its place instead.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from django.conf import settings

from altlas.kernel.errors import Unavailable
from archive.conf import conf
from archive.metrics import BULKHEAD_REFUSED

# Threads that stay free to refuse and to answer health checks.
_SPARE = 2
_PATIENCE = 0.5


def places() -> int:
    """Return how many places one process has."""
    return conf.concurrent or max(1, settings.WEB_THREADS - _SPARE)


class Bulkhead:
    def __init__(self, size: Callable[[], int] = places, clock: Callable[[], float] = monotonic) -> None:
        self._size, self._clock = size, clock
        self._taken = 0
        self._moved_at = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place for the block.

        Raises:
            Unavailable: there is none, and none is likely to come free soon.
        """
        with self._changed:
            if not self._free() and not self._wait():
                BULKHEAD_REFUSED.inc()
                raise Unavailable("The archive has more requests than it can answer; try again shortly.", retry_after=1)
            self._taken += 1
            self._moved_at = self._clock()
        try:
            yield
        finally:
            with self._changed:
                self._taken -= 1
                self._moved_at = self._clock()
                self._changed.notify()

    def _free(self) -> bool:
        return self._taken < self._size()

    def _wait(self) -> bool:
        # No place changed hands lately: whoever holds them is stuck, and waiting would only fill the queue.
        if self._clock() - self._moved_at > _PATIENCE:
            return False
        return self._changed.wait_for(self._free, _PATIENCE)


BULKHEAD = Bulkhead()
