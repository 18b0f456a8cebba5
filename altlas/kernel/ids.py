"""Identifiers."""

from __future__ import annotations

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last: tuple[int, int] = (0, 0)


def uuid7() -> UUID:
    """Return a UUID version 7 (RFC 9562, section 5.7), increasing within this process.

    The 12 bits of ``rand_a`` hold a sub-millisecond fraction (method 3 of section 6.2). Ids made in the same
    fraction are told apart by bumping that field, so sorting by id keeps the order of creation.
    """
    global _last
    with _lock:
        nanoseconds = time.time_ns()
        milliseconds, rest = divmod(nanoseconds, 1_000_000)
        stamp = (milliseconds, rest * 4096 // 1_000_000)
        if stamp <= _last:
            stamp = (_last[0], _last[1] + 1) if _last[1] < 4095 else (_last[0] + 1, 0)
        _last = stamp
    value = (stamp[0] & (2**48 - 1)) << 80
    value |= 0x7 << 76
    value |= stamp[1] << 64
    value |= 0b10 << 62
    value |= int.from_bytes(os.urandom(8), "big") & (2**62 - 1)
    return UUID(int=value)
