"""The shape of a record on the wire. PostgreSQL writes the JSON, so a page costs no Python object per row."""

from __future__ import annotations

# What a list carries: never text, payload or embedding, which live outside of the row.
LIST_COLUMNS = (
    "id",
    "owner_id",
    "kind",
    "status",
    "title",
    "tags",
    "language",
    "success_rate",
    "source_run_id",
    "on_hold",
    "version",
    "created_at",
    "updated_at",
)
TRASH_COLUMNS = (*LIST_COLUMNS, "deleted_at")
DETAIL_COLUMNS = (*LIST_COLUMNS, "deleted_at", "text", "payload")
