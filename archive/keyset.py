"""One page of a keyset walk as SQL. Pure: it writes text and parameters, and reads no database.

Where all columns run one way and none is nullable, the page begins with a row comparison, which an index answers in one
descent. Otherwise it is a UNION ALL with one ordered and limited branch for every way to come after the key ("this
prefix is equal, the next column is strictly after"), because the same condition as a chain of ORs is filtered row by
row from the start of the index: 430,000 buffers instead of 59 at 1M rows. All rows of a branch come before those of the
next, so a branch is asked only for what the ones before it have left of the page, and mostly not at all.
"""

# ruff: noqa: S608  # names come from fixed lists; values are parameters

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archive.cursors import Key
from archive.orderings import Column, Ordering

# A condition and its parameters.
Clause = tuple[str, list[Any]]


def page(
    ordering: Ordering,
    *,
    columns: str,
    where: Clause,
    limit: int,
    after: Sequence[Key] | None = None,
    inclusive: bool = False,
) -> Clause:
    """Return a SELECT of the first ``limit`` rows of ``ordering`` that come after the key ``after``."""
    starts: list[Clause] = [("", [])]
    if after is not None:
        if len(after) != len(ordering.columns):
            raise ValueError("the key has another number of columns than the ordering")
        starts = _after(ordering.columns, after, inclusive)
    branches = [_branch(ordering, columns, where, start, limit) for start in starts]
    if len(branches) == 1:
        return branches[0]
    parts, parameters = [], []
    for number, (sql, values) in enumerate(branches):
        parts.append(f"branch_{number} AS MATERIALIZED ({_of_what_is_left(sql, number)})")
        parameters += [*values, limit] if number else values
    union = " UNION ALL ".join(f"SELECT * FROM branch_{number}" for number in range(len(branches)))
    page_sql = f"WITH {', '.join(parts)} SELECT * FROM ({union}) AS branches ORDER BY {ordering.sql()} LIMIT %s"
    return page_sql, [*parameters, limit]


def _of_what_is_left(sql: str, number: int) -> str:
    if not number:
        return sql
    # The branch keeps its own limit, a number, by which PostgreSQL plans it; a limit of 0 around it asks it nothing.
    taken = "".join(f" - (SELECT count(*) FROM branch_{earlier})" for earlier in range(number))
    return f"SELECT * FROM ({sql}) AS branch LIMIT %s{taken}"


def _branch(ordering: Ordering, columns: str, where: Clause, start: Clause, limit: int) -> Clause:
    conditions = " AND ".join(part for part in (where[0], start[0]) if part)
    clause = f" WHERE {conditions}" if conditions else ""
    sql = f"SELECT {columns} FROM archive_record{clause} ORDER BY {ordering.sql()} LIMIT %s"
    return sql, [*where[1], *start[1], limit]


def _after(columns: Sequence[Column], keys: Sequence[Key], inclusive: bool) -> list[Clause]:
    if _one_way(columns):
        names = ", ".join(column.name for column in columns)
        sign = ("<" if columns[0].descending else ">") + ("=" if inclusive else "")
        return [(f"({names}) {sign} ({', '.join(['%s'] * len(keys))})", list(keys))]
    first, key = columns[0], keys[0]
    equal: Clause = (f"{first.name} IS NULL", []) if key is None else (f"{first.name} = %s", [key])
    found = [_and(equal, rest) for rest in _after(columns[1:], keys[1:], inclusive)]
    return found + _strictly_after(first, key)


def _one_way(columns: Sequence[Column]) -> bool:
    return len({column.descending for column in columns}) == 1 and not any(column.nullable for column in columns)


def _strictly_after(column: Column, key: Key) -> list[Clause]:
    if key is None:
        return [(f"{column.name} IS NOT NULL", [])] if column.nulls_first else []
    found: list[Clause] = [(f"{column.name} {'<' if column.descending else '>'} %s", [key])]
    if column.nullable and not column.nulls_first:
        found.append((f"{column.name} IS NULL", []))
    return found


def _and(left: Clause, right: Clause) -> Clause:
    return f"{left[0]} AND {right[0]}", [*left[1], *right[1]]
