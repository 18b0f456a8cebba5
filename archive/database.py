"""Reading rows by SQL that this app composes from fixed names; values are always parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

Row = tuple[Any, ...]


def fetch(sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[Row] = cursor.fetchall()
    return rows
