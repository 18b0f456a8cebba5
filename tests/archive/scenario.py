"""Records for tests, written in bulk."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from altlas.kernel.ids import uuid7
from archive.models import Record

MOMENT = datetime(2026, 11, 1, 12, tzinfo=UTC)
KINDS = ("chunk", "command", "sentence", "topic")
STATUSES = ("active", "archived", "draft", "failed", "superseded")


def records(owner_id: UUID, count: int, *, seed: int = 1, ties: int = 50, **members: Any) -> list[Record]:
    """Store ``count`` records: bursts of ``ties`` share one timestamp, a fifth has no success rate."""
    dice = random.Random(seed)
    made = [
        Record(
            **{
                "id": uuid7(),
                "owner_id": owner_id,
                "kind": dice.choice(KINDS),
                "status": dice.choice(STATUSES),
                "title": f"title {dice.randrange(count // 3 + 1)}",
                "text": f"text number {number}",
                "payload": {"number": number},
                "tags": dice.sample(["a", "b", "c", "d"], k=2),
                "language": dice.choice(["tr", "en", ""]),
                "success_rate": None if dice.random() < 0.2 else dice.randrange(5) / 4,
                "created_at": MOMENT + timedelta(microseconds=number // ties),
                "updated_at": MOMENT + timedelta(seconds=dice.randrange(count)),
                **members,
            }
        )
        for number in range(count)
    ]
    dice.shuffle(made)
    return Record.objects.bulk_create(made, batch_size=2000)
