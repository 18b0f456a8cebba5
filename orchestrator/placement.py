"""Which node serves a request: pure, from the nodes' own reports.

A ready copy first, the least busy of them, on a node that is being drained only when no other has one; then a node
where it is being loaded; then one with room; then, when all are full, the node whose oldest model is oldest. Nodes that
refuse work, or could not load the version a moment ago, come after the others. Among what is nearly as good the choice
is random: many callers that see the same second-old report must not all run to the same node.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_LOADING = frozenset({"queued", "reserved", "loading", "warming"})
_MARGIN = 2


def choose(
    nodes: Sequence[Mapping[str, Any]], *, model: str, version: str | None, now: float, rng: random.Random
) -> str | None:
    """Return the name of the node for a request; None when there is none. ``now`` in Unix seconds."""
    nodes = [node for node in nodes if not node.get("stopping")]
    if not nodes:
        return None
    open_nodes = _preferred(nodes, lambda node: not node.get("draining"))
    open_nodes = _preferred(open_nodes, lambda node: not node.get("shedding"))
    for there in (open_nodes, [node for node in nodes if not node.get("shedding")]):
        ready = [node for node in there if _holds(node, model, version, frozenset({"ready"}))]
        if ready:
            return _random_best(ready, rng)
    loading = [node for node in open_nodes if _holds(node, model, version, _LOADING)]
    if loading:
        return _random_best(loading, rng)
    open_nodes = _preferred(open_nodes, lambda node: not _failed(node, model, version))
    roomy = [node for node in open_nodes if node["used_bytes"] < node["low_watermark"] * node["budget_bytes"] * 0.8]
    if roomy:
        # Two at random, the emptier of them: nearly as good as the emptiest, and no herd.
        drawn = rng.sample(roomy, min(2, len(roomy)))
        return str(min(drawn, key=lambda node: node["used_bytes"] / max(1, node["budget_bytes"]))["name"])
    return str(max(open_nodes, key=lambda node: _oldest_idle(node, now))["name"])


def load_of(node: Mapping[str, Any]) -> int:
    """Return how much work a node has in hand: requests on its lane and in its runners."""
    return int(node.get("lane", 0)) + sum(int(replica["leases"]) for replica in node["replicas"])


def _preferred(
    nodes: Sequence[Mapping[str, Any]], wanted: Callable[[Mapping[str, Any]], bool]
) -> Sequence[Mapping[str, Any]]:
    """Return the nodes that are as wanted; all of them when none is: a refusal says why."""
    return [node for node in nodes if wanted(node)] or nodes


def _failed(node: Mapping[str, Any], model: str, version: str | None) -> bool:
    """Return whether the node has lately tried in vain, and would refuse to try again yet."""
    return any(
        failure["model"] == model and version in (None, failure["version"]) for failure in node.get("failures", ())
    )


def _random_best(nodes: Sequence[Mapping[str, Any]], rng: random.Random) -> str:
    least = min(map(load_of, nodes))
    return str(rng.choice([node for node in nodes if load_of(node) <= least + _MARGIN])["name"])


def _holds(node: Mapping[str, Any], model: str, version: str | None, states: frozenset[str]) -> bool:
    return any(
        replica["model"] == model and version in (None, replica["version"]) and replica["state"] in states
        for replica in node["replicas"]
    )


def _oldest_idle(node: Mapping[str, Any], now: float) -> float:
    return max((now - (replica["last_used"] or now) for replica in node["replicas"]), default=float("inf"))
