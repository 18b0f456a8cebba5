"""Runs that have ended, as if they had been done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from altlas.coordination.models import Trigger, VerificationRun
from altlas.kernel.clock import now
from altlas.kernel.ids import uuid7


def ended(name: str, status: str, *, at: datetime | None = None, load: str = "low", **more: Any) -> VerificationRun:
    moment = at or now()
    return VerificationRun.objects.create(
        batch=uuid7(),
        name=name,
        service=name.partition(".")[0],
        load=load,
        status=status,
        trigger=Trigger.COMMAND,
        created_at=moment,
        started_at=moment,
        finished_at=moment,
        **more,
    )


class FixedClock:
    """Stands still at a moment that the test chooses."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()
