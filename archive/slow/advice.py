"""An index that a plan asks for. Pure: a plan and the indexes that exist, a CREATE INDEX out (or nothing).

The rule: where a table is read from end to end and a condition throws most of it away, the columns compared for
equality come first, then those that the result is sorted by, or else one compared by range. Containment (arrays, JSON,
words) asks for GIN.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_EQUAL = re.compile(r"\(?(?:\w+\.)?(\w+)(?:\)::\w+)? = (?:\$\d+|'|\d|ANY)")
_RANGE = re.compile(r"\(?(?:\w+\.)?(\w+)(?:\)::\w+)? (?:<|>|<=|>=) (?:\$\d+|'|\d)")
_CONTAINS = re.compile(r"\(?(?:\w+\.)?(\w+)(?:\)::[\w\[\] ]+)? (?:@>|&&|@@|<@) ")
_SMALL = 2_000  # rows below which reading all of them is the best plan


def index_for(plan: Mapping[str, Any], indexes: Mapping[str, Sequence[str]]) -> str:
    """Return a CREATE INDEX that would help, or an empty text."""
    for node, sort_keys in _scans(plan, ()):
        if suggestion := _for_scan(node, sort_keys, indexes):
            return suggestion
    return ""


def _scans(node: Mapping[str, Any], sort: Sequence[str]) -> Iterator[tuple[Mapping[str, Any], Sequence[str]]]:
    keys = node.get("Sort Key", sort) if node.get("Node Type") in ("Sort", "Incremental Sort") else sort
    if "Seq Scan" in node.get("Node Type", "") and "Relation Name" in node:
        yield node, keys
    for child in node.get("Plans", ()):
        # What is sorted above a join is not sorted by one table's index.
        yield from _scans(child, keys if len(node["Plans"]) == 1 else ())


def _for_scan(node: Mapping[str, Any], sort: Sequence[str], indexes: Mapping[str, Sequence[str]]) -> str:
    table, condition = node["Relation Name"], node.get("Filter", "")
    # The cost of a scan grows with its table; a cheap one is of a small table.
    if node.get("Total Cost", 0) < _SMALL / 10 or (not condition and not sort):
        return ""
    if contained := _CONTAINS.search(condition):
        return _unless_there(table, "gin", [contained[1]], indexes)
    equal = list(dict.fromkeys(_EQUAL.findall(condition)))
    ordered = [_bare(key) for key in sort]
    rest = [key for key in ordered if key.split(" ")[0] not in equal] or _RANGE.findall(condition)[:1]
    if not equal and not rest:
        return ""
    return _unless_there(table, "btree", [*equal, *rest][:4], indexes)


def _bare(key: str) -> str:
    column, *direction = key.split(" ")
    return " ".join([column.rsplit(".", 1)[-1].strip("()"), *direction])


def _unless_there(table: str, method: str, columns: Sequence[str], indexes: Mapping[str, Sequence[str]]) -> str:
    wanted = f"USING {method} ({', '.join(columns)}"
    if any(wanted in definition for definition in indexes.get(table, ())):
        return ""
    return f"CREATE INDEX CONCURRENTLY ON {table} USING {method} ({', '.join(columns)});"
