"""Where a request goes."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from orchestrator.placement import choose

MB = 2**20


def node(name: str, *replicas: dict[str, Any], used: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "budget_bytes": 100 * MB,
        "used_bytes": used * MB,
        "low_watermark": 0.85,
        "replicas": replicas,
        **more,
    }


def replica(model: str, state: str = "ready", *, leases: int = 0, last_used: float = 0.0) -> dict[str, Any]:
    return {"model": model, "version": "1", "state": state, "leases": leases, "last_used": last_used}


def pick(*nodes: dict[str, Any], times: int = 50) -> set[str]:
    rng = random.Random(7)
    found = {choose(nodes, model="m", version=None, now=1000.0, rng=rng) for _ in range(times)}
    return {name for name in found if name is not None}


def test_a_ready_copy_beats_a_load_in_progress_beats_an_empty_node() -> None:
    assert pick(node("empty"), node("loading", replica("m", "loading")), node("ready", replica("m"))) == {"ready"}
    assert pick(node("empty"), node("loading", replica("m", "loading"))) == {"loading"}


def test_the_shorter_queue_wins() -> None:
    assert pick(node("busy", replica("m", leases=9)), node("calm", replica("m"))) == {"calm"}
    assert pick(node("busy", replica("m"), lane=9), node("calm", replica("m"))) == {"calm"}


def test_equals_share_the_requests() -> None:
    rng = random.Random(7)
    nodes = [node("a", replica("m")), node("b", replica("m"))]
    counts = Counter(choose(nodes, model="m", version=None, now=0.0, rng=rng) for _ in range(1000))
    assert min(counts.values()) > 400


def test_when_all_are_full_the_least_useful_cache_takes_it() -> None:
    fresh = node("fresh", replica("x", last_used=990.0), used=99)
    stale = node("stale", replica("y", last_used=10.0), used=99)
    assert pick(fresh, stale) == {"stale"}


def test_a_draining_node_is_passed_over_unless_it_is_the_last() -> None:
    assert pick(node("a", draining=True), node("b", used=99)) == {"b"}
    assert pick(node("a", replica("m"), draining=True), node("b", replica("m", leases=9))) == {"b"}
    assert pick(node("a", draining=True)) == {"a"}


def test_what_only_a_draining_node_serves_is_asked_there_until_it_has_moved() -> None:
    kept = node("a", replica("m"), draining=True)
    assert pick(kept, node("b")) == {"a"}
    assert pick(kept, node("b", replica("m", "loading"))) == {"a"}
    assert pick(node("a", replica("m"), draining=True, shedding=True), node("b")) == {"b"}


def test_without_nodes_there_is_no_choice() -> None:
    assert choose([], model="m", version=None, now=0.0, rng=random.Random(1)) is None


def test_nodes_that_refuse_or_have_just_failed_come_after_the_others() -> None:
    held = {"model": "m", "version": "1", "state": "ready", "leases": 0, "last_used": 0}
    empty = {"used_bytes": 0, "budget_bytes": 100, "low_watermark": 0.9, "replicas": []}
    failure = {"model": "m", "version": "1", "retry_after": 200.0}

    def chosen(*nodes: dict[str, Any]) -> set[str | None]:
        return {choose(nodes, model="m", version="1", now=0, rng=random.Random(seed)) for seed in range(50)}

    full = {**empty, "name": "full", "replicas": [held], "shedding": True}
    assert chosen(full, {**empty, "name": "free", "replicas": [held]}) == {"free"}
    assert chosen({**empty, "name": "bad", "failures": [failure]}, {**empty, "name": "good"}) == {"good"}
    assert chosen(full) == {"full"}  # which refuses, and says why
    assert chosen({**empty, "name": "ending", "stopping": True}) == {None}
