"""A plan as a tree that a person reads: one row a node, with what it cost by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_SHOWN = ("Index Cond", "Recheck Cond", "Filter", "Join Filter", "Hash Cond", "Sort Key", "Group Key", "Order By")


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """``own_ms`` and ``own_buffers`` leave out the nodes below; None where the plan was not run."""

    depth: int
    title: str
    estimated: int
    rows: float | None
    own_ms: float | None
    own_buffers: int | None
    share: int
    details: tuple[str, ...]

    @property
    def off(self) -> bool:
        """Whether the planner was wrong by a factor of ten: a sign of old statistics."""
        return self.rows is not None and not self.estimated / 10 <= max(self.rows, 1) <= self.estimated * 10


def rows(plan: Mapping[str, Any]) -> list[Row]:
    whole = _time(plan) if _ran(plan) else float(plan.get("Total Cost", 0))
    return list(_walk(plan, 0, whole or 1.0))


def text(plan: Mapping[str, Any]) -> str:
    return "\n".join(_line(row) for row in rows(plan))


def _walk(node: Mapping[str, Any], depth: int, whole: float) -> Iterator[Row]:
    children = node.get("Plans", ())
    ran = _ran(node)
    own_ms = max(0.0, _time(node) - sum(map(_time, children))) if ran else None
    cost = max(0.0, float(node.get("Total Cost", 0)) - sum(float(child.get("Total Cost", 0)) for child in children))
    yield Row(
        depth=depth,
        title=_title(node),
        estimated=int(node.get("Plan Rows", 0)),
        rows=float(node["Actual Rows"]) * float(node.get("Actual Loops", 1)) if ran else None,
        own_ms=own_ms,
        own_buffers=_buffers(node) - sum(map(_buffers, children)) if ran else None,
        share=min(100, round(100 * (cost if own_ms is None else own_ms) / whole)),
        details=tuple(f"{name}: {_shown(node[name])}" for name in _SHOWN if name in node),
    )
    for child in children:
        yield from _walk(child, depth + 1, whole)


def _ran(node: Mapping[str, Any]) -> bool:
    return "Actual Rows" in node


def _time(node: Mapping[str, Any]) -> float:
    return float(node.get("Actual Total Time", 0)) * float(node.get("Actual Loops", 1))


def _buffers(node: Mapping[str, Any]) -> int:
    return int(node.get("Shared Hit Blocks", 0)) + int(node.get("Shared Read Blocks", 0))


def _title(node: Mapping[str, Any]) -> str:
    parts = [str(node.get("Node Type", "?"))]
    if "Index Name" in node:
        parts.append(f"by {node['Index Name']}")
    if "Relation Name" in node:
        parts.append(f"on {node['Relation Name']}")
    return " ".join(parts)


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _line(row: Row) -> str:
    measured = "" if row.own_ms is None else f", {row.own_ms:.2f} ms, {row.own_buffers} buffers"
    actual = "" if row.rows is None else f" of {row.rows:.0f}"
    lines = [f"{'  ' * row.depth}{row.title} ({row.estimated} expected{actual} rows{measured}, {row.share} %)"]
    lines += [f"{'  ' * row.depth}    {detail}" for detail in row.details]
    return "\n".join(lines)
