"""Statement and lock timeouts by route: the database itself ends what is too slow; the answer is 503 or 504."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

from altlas.kernel.clock import SYSTEM, Clock
from altlas.kernel.errors import DeadlineExceeded
from archive.conf import conf


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """An instant on the monotonic clock by which all statements of a call must be done."""

    at: float
    clock: Clock

    @classmethod
    def within(cls, seconds: float, *, clock: Clock = SYSTEM) -> Deadline:
        return cls(at=clock.monotonic() + seconds, clock=clock)

    def milliseconds(self) -> int:
        """Return what is left, at least 1.

        Raises:
            DeadlineExceeded: nothing is left.
        """
        left = self.at - self.clock.monotonic()
        if left <= 0:
            raise DeadlineExceeded("The request took longer than this route allows; narrow it down.")
        return max(1, int(left * 1000))


@contextmanager
def write() -> Iterator[None]:
    """Run the block in a transaction with the timeouts of writes; inside of another one, join it."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', %s, true)",
                    [str(int(conf.write_timeout * 1000)), str(int(conf.lock_timeout * 1000))],
                )
        yield
