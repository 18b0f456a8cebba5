"""Every ordering walked there and back while rows come and go two hundred times a second."""

from __future__ import annotations

import json
import threading
import time
from typing import Any
from uuid import UUID

from django.db import connection

from archive import orderings, selectors
from archive.filters import RecordFilters
from archive.models import Record
from benchmarks.archive_lab.data import KINDS

WRITES_A_SECOND = 200


def under_writes(owner: UUID) -> dict[str, Any]:
    """Return, over all orderings, rows lost and met twice, and how many writes a second there were."""
    filters = RecordFilters(owner_id=owner)
    steady = {str(key) for key in Record.objects.filter(owner_id=owner, deleted_at=None).values_list("pk", flat=True)}
    stop = threading.Event()
    written = [0]

    def write() -> None:
        try:
            begun = time.monotonic()
            mine: list[UUID] = []
            while not stop.is_set():
                if len(mine) < 50 or written[0] % 2:
                    number = written[0]
                    mine.append(
                        Record.objects.create(
                            owner_id=owner,
                            kind=KINDS[number % len(KINDS)],
                            title=f"w{number}",
                            success_rate=None if number % 5 == 0 else number % 101 / 100,
                        ).pk
                    )
                else:
                    Record.objects.filter(pk=mine.pop(0)).delete()
                written[0] += 1
                time.sleep(max(0.0, begun + written[0] / WRITES_A_SECOND - time.monotonic()))
            Record.objects.filter(pk__in=mine).delete()
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    begun = time.monotonic()
    writer.start()
    rows = []
    try:
        for name in orderings.OF_OWNER:
            for direction, seen in zip(("forward", "backward"), _walk(filters, name), strict=True):
                rows.append(
                    {
                        "ordering": name,
                        "direction": direction,
                        "met": len(seen),
                        "lost": len(steady - set(seen)),
                        "twice": len(seen) - len(set(seen)),
                    }
                )
        seconds = time.monotonic() - begun
        rate = written[0] / seconds
    finally:
        stop.set()
        writer.join()
    resting = []
    for name in orderings.OF_OWNER:
        forward, backward = _walk(filters, name)
        resting.append(forward == backward and set(forward) == steady)
    return {"records": len(steady), "walks": rows, "writes_per_second": rate, "equal_at_rest": all(resting)}


def _walk(filters: RecordFilters, ordering: str) -> tuple[list[str], list[str]]:
    forward: list[str] = []
    cursor = None
    while True:
        page = selectors.records_page(filters=filters, ordering=ordering, limit=20, cursor=cursor)
        forward += [json.loads(row)["id"] for row in page.rows]
        if page.next is None:
            break
        cursor = page.next
    backward = [json.loads(row)["id"] for row in page.rows]
    while page.previous is not None:
        page = selectors.records_page(filters=filters, ordering=ordering, limit=20, cursor=page.previous)
        backward = [json.loads(row)["id"] for row in page.rows] + backward
    return forward, backward
