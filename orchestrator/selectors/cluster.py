"""Reading the cluster: PostgreSQL knows the nodes, Redis what they hold right now."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import redis as redis_errors
from django.db.models import QuerySet

from altlas.kernel import clock
from altlas.kernel.errors import Unavailable
from altlas.kernel.redis import client
from orchestrator.conf import conf
from orchestrator.exceptions import JobNotFound
from orchestrator.models import LoadJob, Node

T = TypeVar("T")
PREFIX = "altlas:node:"
HISTORY = "altlas:node-history:"
HISTORY_SECONDS = 10.0
HISTORY_SAMPLES = 360
_REMEMBERED_SECONDS = 0.25
_LATE_SECONDS = 5.0  # a busy machine delays signs of life
_LOOK_SECONDS = 0.02
_remembered: tuple[float, list[dict[str, Any]]] = (0.0, [])


def cache_state(*, strict: bool = False) -> list[dict[str, Any]]:
    """Return what each live node holds, by node name; empty when no node is alive or Redis is away.

    Raises:
        Unavailable: Redis is away, when ``strict``.
    """
    try:
        connection = client("live")
        keys = sorted(connection.scan_iter(match=PREFIX + "*", count=500))
        found = connection.mget(keys) if keys else []
    except redis_errors.RedisError as exc:
        if strict:
            raise Unavailable("The Redis that knows the live nodes cannot be reached; try again shortly.") from exc
        return []
    return [json.loads(value) for value in found if value is not None]


def live_nodes(*, fresh: bool = False) -> list[dict[str, Any]]:
    """As ``cache_state``, remembered for a quarter of a second: for decisions on every request."""
    global _remembered
    now = clock.monotonic()
    if fresh or now - _remembered[0] > _REMEMBERED_SECONDS or not _remembered[1]:
        _remembered = (now, cache_state())
    return _remembered[1]


def nodes_holding(*, model: str, version: str | None = None, state: str | None = None) -> list[str]:
    """Return the live nodes that hold ``model``, or one version of it, in any state or in that one."""
    return [
        node["name"]
        for node in live_nodes(fresh=True)
        if any(
            held["model"] == model and version in (None, held["version"]) and state in (None, held["state"])
            for held in node["replicas"]
        )
    ]


def nodes_tell(probe: Callable[[list[dict[str, Any]]], T]) -> T:
    """Return what ``probe`` makes of the live nodes once that is true, else what it made last.

    What was done a moment ago is told with a node's next signs of life; three of them are waited for.
    """
    until = time.monotonic() + 3 * conf.heartbeat_seconds + _LATE_SECONDS
    while not (found := probe(live_nodes(fresh=True))) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
    return found


def fails_everywhere(*, model: str, version: str) -> bool:
    """Return whether every node in service has failed for good to load the version, so that none would try again, and
    none that is being drained serves it still."""
    if nodes_holding(model=model, version=version, state="ready"):
        return False
    nodes = [node for node in live_nodes(fresh=True) if not node.get("draining")]
    return bool(nodes) and all(
        any(
            (failure["model"], failure["version"], failure["retry_after"]) == (model, version, None)
            for failure in node.get("failures", ())
        )
        for node in nodes
    )


def node_alive(name: str) -> bool | None:
    """Return whether the node gives signs of life; None when Redis does not say."""
    try:
        return bool(client("live").exists(PREFIX + name))
    except redis_errors.RedisError:
        return None


def node_list() -> QuerySet[Node]:
    return Node.objects.order_by("name")


def node_history(*, name: str) -> list[dict[str, Any]]:
    """Return the samples of the last hour of a node, oldest first: ``at`` (Unix time), ``used`` (bytes), ``hits``,
    ``misses``, ``loads`` (counted since its start)."""
    since = time.time() - HISTORY_SECONDS * HISTORY_SAMPLES
    try:
        found = client("live").lrange(HISTORY + name, 0, -1)
    except redis_errors.RedisError:
        return []
    # A node that was away, or is back, leaves samples that are older, and fewer of the hour.
    return [sample for sample in map(json.loads, found) if sample["at"] > since]


def job_list() -> QuerySet[LoadJob]:
    return LoadJob.objects.select_related("version__model").order_by("-created_at")


def job_get(*, job: UUID) -> LoadJob:
    """Raises: JobNotFound."""
    row = job_list().filter(pk=job).first()
    if row is None:
        raise JobNotFound(f"There is no load job {job}.")
    return row
