"""Time, as an argument: whatever decides by time takes a ``Clock``, so that tests move it by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...


class SystemClock:
    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never run backwards; only differences mean anything."""
        return time.monotonic()


SYSTEM = SystemClock()


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return SYSTEM.now()


def monotonic() -> float:
    """Return seconds that never run backwards; only differences mean anything."""
    return SYSTEM.monotonic()
