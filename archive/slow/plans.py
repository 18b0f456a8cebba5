"""Plans, taken so that taking them does no harm.

A plan of a slow statement is the generic one (``EXPLAIN (GENERIC_PLAN)``): it runs nothing and needs no value. A plan
with times and buffers runs the statement, so it is taken only of the archive's own reads, in a transaction that may not
write, under a timeout.
"""

# statements of the program itself, which hold no value

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import DatabaseError, connection, transaction

from archive.database import fetch

Plan = dict[str, Any]
_TIMEOUT_MS = 1_000
_READABLE = re.compile(r"\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_SETTING = re.compile(r"SET LOCAL [\w.]+ = [\w.]+; ")


def generic(statement: str) -> Plan | None:
    """Return the plan for any values; None when there is none (not a query, or its types cannot be told)."""
    settings = _SETTING.findall(statement)
    query = statement[sum(map(len, settings)) :]
    if not _READABLE.match(query) or ";" in query:
        return None
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {_TIMEOUT_MS}")
            for setting in settings:
                cursor.execute(setting)
            cursor.execute(f"EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) {query}")
            plan: Plan = cursor.fetchone()[0][0]["Plan"]
    except DatabaseError:
        return None
    return plan


def measured(
    sql: str, parameters: Sequence[Any], *, timeout: float, planner: Mapping[str, str] | None = None
) -> tuple[Plan, float]:
    """Run a read and return its plan with times and buffers, and how long it took in ms."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(f"SET LOCAL statement_timeout = {int(timeout * 1000)}")
        for name, value in (planner or {}).items():
            cursor.execute(f"SET LOCAL {name} = {value}")
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, SETTINGS, FORMAT JSON) {sql}", parameters)
        found = cursor.fetchone()[0][0]
    return found["Plan"], float(found["Execution Time"])


def nodes(plan: Plan, depth: int = 0) -> Iterator[tuple[int, Plan]]:
    yield depth, plan
    for child in plan.get("Plans", ()):
        yield from nodes(child, depth + 1)


def buffers(plan: Plan) -> int:
    return int(plan.get("Shared Hit Blocks", 0)) + int(plan.get("Shared Read Blocks", 0))


def known_indexes(plan: Plan) -> dict[str, list[str]]:
    """Return the index definitions of every table that ``plan`` reads."""
    tables = sorted({node["Relation Name"] for _, node in nodes(plan) if "Relation Name" in node})
    rows = fetch("SELECT tablename, indexdef FROM pg_indexes WHERE tablename = ANY(%s)", [tables])
    found: dict[str, list[str]] = {table: [] for table in tables}
    for table, definition in rows:
        found[table].append(definition)
    return found
