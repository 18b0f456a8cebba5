"""Statement timeouts by route: a query that is too slow is ended by the database itself, and answered with 504."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def statement_deadline(seconds: float) -> Iterator[None]:
    """Run the block in a transaction whose statements may each take ``seconds`` at most."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(max(1, int(seconds * 1000)))])
        yield
