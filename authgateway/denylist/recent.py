"""Tokens that Redis has let pass a moment ago: asking it again at once would tell nothing new.

Only a saving: whether a token is refused is decided by the database with every request. Bounded, and emptied whenever
this process denies anything.
"""

from __future__ import annotations

from altlas.kernel.clock import monotonic
from authgateway.conf import conf

_MOST = 10_000
_passed: dict[str, float] = {}


def has_passed(jti: str) -> bool:
    at = _passed.get(jti)
    return at is not None and monotonic() - at < conf.denylist_pass_seconds


def note(jti: str) -> None:
    if len(_passed) >= _MOST:
        _passed.clear()
    _passed[jti] = monotonic()


def forget() -> None:
    _passed.clear()
