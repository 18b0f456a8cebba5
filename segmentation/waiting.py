"""How long a request waits for its result, and the wait itself."""

from __future__ import annotations

import contextlib
import re

from altlas.kernel import replies
from altlas.kernel.clock import SYSTEM, Clock
from altlas.kernel.errors import Unavailable
from segmentation.conf import conf
from segmentation.models import SegmentationRun
from segmentation.services import Created

_WAIT = re.compile(r"(?:^|[,;]\s*)wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)
_ASYNC = re.compile(r"(?:^|[,;]\s*)respond-async(?:$|[\s,;])", re.IGNORECASE)


def wanted(prefer: str) -> float:
    """Return the seconds that a ``Prefer`` header (RFC 7240) asks to wait, within the limits of the settings."""
    match = _WAIT.search(prefer)
    if match:
        return min(float(match[1]), conf.wait_maximum)
    return 0.0 if _ASYNC.search(prefer) else min(conf.wait_default, conf.wait_maximum)


class Wait:
    """Seconds that a request may still take, counted from now."""

    def __init__(self, seconds: float, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def left(self) -> float:
        return max(0.0, self._end - self._clock.monotonic())


def run_wait(created: Created, *, timeout: float) -> SegmentationRun:
    """Wait until the run has ended or ``timeout`` is over; return it as it is then.

    Redis going away meanwhile ends the wait: the run is stored and queued, which is what the answer then says.
    """
    if timeout > 0:
        with contextlib.suppress(Unavailable):
            replies.receive(created.reply_id, timeout=timeout)
    created.run.refresh_from_db()
    return created.run
