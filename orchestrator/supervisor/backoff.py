"""The negative cache: what failed is not tried again before its time."""

from __future__ import annotations

from dataclasses import dataclass

FIRST, LONGEST = 10.0, 300.0
_FORGOTTEN_AFTER = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """``until`` is None for what will fail for good."""

    code: str
    detail: str
    attempts: int
    until: float | None
    delay: float | None = None

    def blocks(self, now: float) -> bool:
        return self.until is None or now < self.until

    def forgotten(self, now: float) -> bool:
        """Whether it says nothing any more: it could have been tried again for long, and nobody wanted to."""
        return self.until is not None and now - self.until > _FORGOTTEN_AFTER

    def retry_after(self, now: float) -> float | None:
        return None if self.until is None else max(0.1, self.until - now)


def next_failure(
    previous: Failure | None,
    *,
    code: str,
    detail: str,
    permanent: bool,
    now: float,
    first: float = FIRST,
    grace: bool = False,
) -> Failure:
    """Return the record after one more failure: 10 s, doubling to 5 minutes; for good when ``permanent``.

    With ``grace`` the first is tried again at once: it may be the doing of a single request.
    """
    attempts = (previous.attempts if previous else 0) + 1
    wait = None if permanent else min(LONGEST, first * 2.0 ** (attempts - 1))
    if grace and attempts == 1:
        wait = 0.0
    return Failure(code=code, detail=detail, attempts=attempts, until=None if wait is None else now + wait, delay=wait)
