"""What a list is narrowed to: one value for the view, the cursor's binding, the cache key and the SQL."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from archive import words
from archive.keyset import Clause


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordFilters:
    """``owner_id`` None means every owner's records, for callers that hold that right."""

    owner_id: UUID | None
    kind: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    created_from: datetime | None = None
    created_before: datetime | None = None
    success_min: float | None = None
    success_max: float | None = None
    source_run_id: UUID | None = None
    contains: str = ""  # canonical JSON
    words: str = ""
    deleted: bool = False

    def canonical(self) -> str:
        """Return the same text for the same filters."""
        return json.dumps(asdict(self), sort_keys=True, default=str, separators=(",", ":"))

    def clause(self) -> Clause:
        """Return the WHERE condition; the owner first, since it leads every index."""
        parts: list[str] = []
        parameters: list[Any] = []
        for sql, value in self._conditions():
            parts.append(sql)
            parameters.append(value)
        if self.words:
            query, terms = words.expression(self.words)
            parts.append(f"search @@ {query}")
            parameters += terms
        parts.append("deleted_at IS NOT NULL" if self.deleted else "deleted_at IS NULL")
        return " AND ".join(parts), parameters

    def equal(self) -> str | None:
        """Return the column of one value whose index gives lists in the order of time; None when there is none."""
        if len(self.kind) == 1:
            return "kind"
        return "status" if len(self.status) == 1 and not self.kind else None

    def _conditions(self) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        if self.owner_id is not None:
            found.append(("owner_id = %s", self.owner_id))
        for column, values in (("kind", self.kind), ("status", self.status), ("language", self.language)):
            # A single value as an equality keeps the index's order usable, which = ANY does not.
            if len(values) == 1:
                found.append((f"{column} = %s", values[0]))
            elif values:
                found.append((f"{column} = ANY(%s)", list(values)))
        simple: tuple[tuple[str, Any], ...] = (
            ("tags && %s::varchar[]", list(self.tags_any) or None),
            ("tags @> %s::varchar[]", list(self.tags_all) or None),
            ("created_at >= %s", self.created_from),
            ("created_at < %s", self.created_before),
            ("success_rate >= %s", self.success_min),
            ("success_rate <= %s", self.success_max),
            ("source_run_id = %s", self.source_run_id),
            ("payload @> %s::jsonb", self.contains or None),
        )
        return found + [(sql, value) for sql, value in simple if value is not None]
