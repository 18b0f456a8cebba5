"""Progress of a run as server-sent events."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.db import connection

from altlas.kernel.clock import SYSTEM, Clock
from segmentation.conf import conf
from segmentation.exceptions import TooManyStreams
from segmentation.selectors import run_get
from segmentation.statuses import ENDED
from segmentation.wire import accepted_body

_POLL = 0.25  # seconds between looks at the row
_KEEP_ALIVE = 15.0  # seconds; proxies cut a silent connection
_open = 0
_lock = threading.Lock()


def stream(
    *, run_id: UUID, owner_id: UUID | None, clock: Clock = SYSTEM, sleep: Callable[[float], Any] = time.sleep
) -> Iterator[bytes]:
    """Return the events of a run: ``progress`` at every change, ``end`` when it has ended, then the stream closes.

    A stream holds a thread of the web process, so their number is bounded, and each ends after ``events_maximum``;
    an EventSource connects again by itself and gets the state of that moment first.

    Raises:
        RunNotFound, TooManyStreams
    """
    global _open
    run_get(run_id=run_id, owner_id=owner_id)
    with _lock:
        if _open >= conf.events_streams:
            raise TooManyStreams("This process serves as many event streams as it may; poll the run instead.")
        _open += 1
    return _Stream(_events(run_id, owner_id, clock, sleep))


class _Stream:
    """Gives the place back exactly once, also when the client went away before the first event."""

    def __init__(self, events: Iterator[bytes]) -> None:
        self._events = events
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._events)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        global _open
        with _lock:
            if not self._closed:
                self._closed = True
                _open -= 1


def _events(run_id: UUID, owner_id: UUID | None, clock: Clock, sleep: Callable[[float], Any]) -> Iterator[bytes]:
    until = clock.monotonic() + conf.events_maximum
    quiet_since = clock.monotonic()
    last: dict[str, Any] | None = None
    number = 0
    yield b"retry: 2000\n\n"
    while clock.monotonic() < until:
        run = run_get(run_id=run_id, owner_id=owner_id)
        body = accepted_body(run)
        # Given back between looks: a stream must not hold a connection of the pool.
        connection.close()
        if body != last:
            number += 1
            last, quiet_since = body, clock.monotonic()
            yield _event("end" if body["status"] in ENDED else "progress", number, body)
            if body["status"] in ENDED:
                return
        elif clock.monotonic() - quiet_since > _KEEP_ALIVE:
            quiet_since = clock.monotonic()
            yield b": still here\n\n"
        sleep(_POLL)


def _event(name: str, number: int, body: dict[str, Any]) -> bytes:
    return f"event: {name}\nid: {number}\ndata: {json.dumps(body)}\n\n".encode()
