"""Reading records in from NDJSON or CSV, resumable: what was stored is noted beside the file and skipped next time.

Rows that carry an ``id`` could be sent twice without harm; rows without one could not. So the place in the file is kept
in the same transaction as the rows (``ImportMark``), and a crash between the two cannot happen.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction

from archive import bulk
from archive.bulk import Outcome, RowResult
from archive.export import Format
from archive.models import ImportMark

_BATCH = 2_000
_JSON_COLUMNS = ("tags", "payload")
_LONGEST_LINE = 64 * 2**20


@dataclass(kw_only=True, slots=True)
class Outcomes:
    """``skipped`` rows were stored by an earlier run."""

    created: int = 0
    exists: int = 0
    refused: int = 0
    skipped: int = 0


def records_from_file(
    path: Path,
    *,
    owner_id: UUID,
    form: Format,
    atomic: bool = False,
    refused: Callable[[int, RowResult], None] = lambda number, result: None,
    progress: Callable[[int], None] = lambda count: None,
) -> Outcomes:
    """Store the rows of a file for ``owner_id``; ``refused`` hears of each bad row with its number, from 1.

    Raises:
        BulkRefused: ``atomic`` is asked for and a row is bad; nothing of the file was stored.
    """
    with path.open("rb") as file:
        source = hashlib.file_digest(file, "sha256").hexdigest()
    if atomic:
        with transaction.atomic():
            return _run(path, owner_id, form, source, refused, progress, atomic=True)
    return _run(path, owner_id, form, source, refused, progress, atomic=False)


def _run(
    path: Path,
    owner_id: UUID,
    form: Format,
    source: str,
    refused: Callable[[int, RowResult], None],
    progress: Callable[[int], None],
    *,
    atomic: bool,
) -> Outcomes:
    mark, _ = ImportMark.objects.get_or_create(source=source, owner_id=owner_id)
    outcomes = Outcomes(skipped=mark.rows)
    progress(mark.rows)
    rows = islice(_rows(path, form), mark.rows, None)
    while batch := list(islice(rows, _BATCH)):
        with transaction.atomic():
            # Locked, so that a second import of the same file waits instead of storing rows twice.
            mark = ImportMark.objects.select_for_update().get(pk=mark.pk)
            results = bulk.records_import(owner_id=owner_id, rows=batch, atomic=atomic, keep_times=True)
            begun, mark.rows = mark.rows, mark.rows + len(batch)
            mark.save(update_fields=["rows"])
        for result in results:
            if result.outcome is Outcome.REFUSED:
                refused(begun + result.index + 1, result)
        _count(outcomes, results)
        progress(len(batch))
    return outcomes


def _count(outcomes: Outcomes, results: list[RowResult]) -> None:
    for result in results:
        setattr(outcomes, result.outcome.value, getattr(outcomes, result.outcome.value) + 1)


def _rows(path: Path, form: Format) -> Iterator[Any]:
    if form is Format.CSV:
        with path.open(encoding="utf-8", newline="") as file:
            csv.field_size_limit(_LONGEST_LINE)
            for row in csv.DictReader(file):
                yield _from_csv(row)
        return
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield _from_json(line)


def _from_json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return "not JSON"  # refused by its type, with its number


def _from_csv(row: dict[str, Any]) -> Any:
    found: dict[str, Any] = {name: value for name, value in row.items() if name is not None and value not in ("", None)}
    try:
        for name in _JSON_COLUMNS:
            if name in found:
                found[name] = json.loads(found[name])
        if "success_rate" in found:
            found["success_rate"] = float(found["success_rate"])
    except (ValueError, RecursionError):
        return "not readable"
    return found
