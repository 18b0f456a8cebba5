"""How a thread leaves the processors to others; none of it needs privileges."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

_T = TypeVar("_T")
NICE: Final = 10  # about a tenth of a processor that others want all of
_LOOK_SECONDS: Final = 1.0
_STARVED: Final = 0.9
_HELD_UP: Final = 0.2
_COUNTED: Final = Path("/proc/self/schedstat").exists()  # else nobody would notice that patience leads nowhere


class StarvedError(Exception):
    """No processor was left for what takes only what others leave."""


def beside(work: Callable[[], _T], *, patient: bool, hurried: threading.Event | None = None) -> _T:
    """Compute what nobody waits for in a thread that ends with the work, for it cannot raise its own priority again.

    A ``patient`` one takes a processor only while nobody else wants it, and is preempted at once. Any other has a small
    share in any case, but at each of a request's hops whoever wakes up may wait until its slice is over. Once
    ``hurried`` is set somebody waits for it, and either is held up when others take a fifth of its time.

    Raises:
        StarvedError: patience led nowhere. The work goes on behind the caller's back: the process has to end.
    """
    executor = ThreadPoolExecutor(1, thread_name_prefix="load", initializer=_idle if patient and _COUNTED else _lowered)
    thread = executor.submit(threading.get_native_id).result()
    future = executor.submit(work)
    executor.shutdown(wait=False)
    waited = _waited(thread)
    while True:
        try:
            return future.result(_LOOK_SECONDS)
        except FutureTimeout:
            if future.done():  # the work's own timeout
                raise
            before, waited = waited, _waited(thread)
            bearable = _STARVED if patient else math.inf
            if hurried is not None and hurried.is_set():
                bearable = _HELD_UP
            if waited - before > bearable * _LOOK_SECONDS:
                raise StarvedError from None


@contextmanager
def politely() -> Iterator[None]:
    """Compute what nobody waits for as a batch job: whoever wakes up beside us goes first."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _idle() -> None:
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _lowered() -> None:
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)


def _waited(thread: int) -> float:
    """Return for how many seconds a thread of this process was ready to run and no processor was free for it."""
    try:
        return int(Path(f"/proc/self/task/{thread}/schedstat").read_text().split()[1]) / 1e9
    except OSError:  # it has ended
        return 0.0
