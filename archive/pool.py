"""The connection pool's numbers and state. The numbers: docs/decisions/0046."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connections

from archive.conf import conf
from archive.metrics import POOL_AVAILABLE, POOL_MAXIMUM, POOL_SIZE, POOL_WAITING


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What the pool of this process has done and is doing."""

    size: int
    maximum: int
    available: int
    waiting: int
    requests: int
    queued: int
    wait_ms: int
    errors: int
    lost: int

    @property
    def mean_wait_ms(self) -> float:
        return self.wait_ms / self.queued if self.queued else 0.0


def state(alias: str = "default") -> State:
    # A counter that is zero is left out by the pool.
    found: dict[str, Any] = _pool(alias).get_stats() if _pool(alias) is not None else {}
    return State(
        size=found.get("pool_size", 0),
        maximum=found.get("pool_max", 0),
        available=found.get("pool_available", 0),
        waiting=found.get("requests_waiting", 0),
        requests=found.get("requests_num", 0),
        queued=found.get("requests_queued", 0),
        wait_ms=found.get("requests_wait_ms", 0),
        errors=found.get("requests_errors", 0),
        lost=found.get("connections_lost", 0),
    )


def publish(**_: Any) -> None:
    """Put the state into the metrics (receiver of ``request_finished``)."""
    now = state()
    POOL_SIZE.set(now.size)
    POOL_AVAILABLE.set(now.available)
    POOL_WAITING.set(now.waiting)
    POOL_MAXIMUM.set(now.maximum)


def fleet() -> int:
    """Return how many connections the processes of this machine open at most."""
    largest = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    # Beside the web processes: the node worker and beat, each with a pool of the same size.
    return int(settings.WEB_PROCESSES * (largest + conf.exports) + 2 * largest)


def explained() -> str:
    largest = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    return f"{settings.WEB_PROCESSES} web processes x ({largest} + {conf.exports} exports) + node and beat x {largest}"


def _pool(alias: str) -> Any:
    return getattr(connections[alias], "pool", None)
