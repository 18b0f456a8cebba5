"""Reading rows by SQL that this app composes from fixed names; values are always parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections

from archive import replica
from archive.deadlines import Deadline

Row = tuple[Any, ...]


def fetch(
    sql: str,
    parameters: Sequence[Any] = (),
    *,
    deadline: Deadline | None = None,
    planner: Mapping[str, str] | None = None,
) -> list[Row]:
    """Return all rows; with a deadline, the database ends the statement when it has passed.

    The timeout (and ``planner`` settings) travel in the same message as the query. PostgreSQL runs it as one implicit
    transaction, so SET LOCAL holds for this query alone and costs no round trip.
    """
    with connections[replica.alias()].cursor() as cursor:
        settings = {**(planner or {})}
        if deadline is not None:
            settings["statement_timeout"] = str(deadline.milliseconds())
        prefix = "".join(f"SET LOCAL {name} = {value}; " for name, value in settings.items())
        cursor.execute(prefix + sql, parameters)
        for _ in settings:
            cursor.nextset()
        rows: list[Row] = cursor.fetchall()
    return rows
