"""Taking a node out of service and back in."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from altlas.kernel.errors import AltlasError
from orchestrator.conf import conf
from orchestrator.exceptions import LastNode, NodeNotFound, NodeUnavailable
from orchestrator.models import EventKind, Node
from orchestrator.placement import choose
from orchestrator.selectors.catalogue import version_find
from orchestrator.selectors.cluster import live_nodes, nodes_tell
from orchestrator.services.events import event_record
from orchestrator.services.operate import load_on, send_order
from orchestrator.supervisor.spec import Key
from orchestrator.supervisor.states import ARRIVING, State

_rng = random.Random()  # noqa: S311  # spreads load, guards nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class _Placed:
    to: str
    bytes: int


def node_drain(*, name: str, actor: str = "", seconds: float | None = None) -> dict[str, Any]:
    """Let ``name`` take nothing new, load its models on other nodes, then unload them there.

    Returns ``{"node", "moved": [{"model", "version", "to"}], "kept": [{"model", "version", "detail"}]}``. What could
    not be moved, because no other node has room for it or it did not load there, stays where it is and serves on;
    draining once more tries that again, and that only.

    Raises:
        NodeNotFound: no live node has this name.
        LastNode: there is nowhere to move to.
    """
    if all(node["name"] != name for node in live_nodes(fresh=True)):
        raise NodeNotFound(f"There is no live node {name!r}.")
    if not _in_service(besides=name):
        raise LastNode(f"{name} is the only node in service; start another one first.")
    # The node's own word: its last sign of life still shows what it was told to unload a moment ago.
    held = _mark(name, draining=True, actor=actor).get("held", [])
    until = time.monotonic() + (conf.load_seconds if seconds is None else seconds)
    placed, kept = dict[Key, _Placed](), dict[Key, str]()
    for key in sorted({Key(*pair) for pair in held}):
        try:
            row = version_find(model=key.model, version=key.version)
            need = row.measured_bytes or row.estimated_bytes
            target = _target(key, need=need, besides=name, placed=placed)
            left = max(1.0, until - time.monotonic())
            answer = load_on(row, node=target, seconds=left, requested_by=actor or "drain")
            placed[key] = _Placed(to=answer["node"], bytes=need)
        except AltlasError as exc:
            kept[key] = exc.detail
    # Nothing leaves before the last one has come: until then one that came first may have been evicted there.
    for key in _lost(placed):
        kept[key] = f"{placed.pop(key).to} did not keep it."
    for key in list(placed):
        try:
            send_order("unload", model=key.model, version=key.version, node=name, seconds=10.0)
        except AltlasError as exc:
            del placed[key]
            kept[key] = exc.detail
    return {
        "node": name,
        "moved": [{"model": key.model, "version": key.version, "to": found.to} for key, found in placed.items()],
        "kept": [{"model": key.model, "version": key.version, "detail": why} for key, why in kept.items()],
    }


def node_resume(*, name: str, actor: str = "") -> None:
    """Put a drained node back into service.

    Raises:
        NodeNotFound.
    """
    _mark(name, draining=False, actor=actor)


def _in_service(*, besides: str) -> list[dict[str, Any]]:
    return [
        node
        for node in live_nodes(fresh=True)
        if node["name"] != besides and not node.get("draining") and not node.get("stopping")
    ]


def _target(key: Key, *, need: int, besides: str, placed: Mapping[Key, _Placed]) -> str:
    """Return the node to move ``key`` to: one that has it, or has room for it as it is, or else when what is idle there
    leaves. What is in use or pinned does not leave for it, and neither does what was moved there before.

    Raises: NodeUnavailable: there is none.
    """
    nodes = _in_service(besides=besides)
    fitting = [node for node in nodes if _fits(node, key, need, placed)] or [
        node for node in nodes if _fits(node, key, need, placed, without_idle=True)
    ]
    target = choose(fitting, model=key.model, version=key.version, now=time.time(), rng=_rng)
    if target is None:
        raise NodeUnavailable(f"No other node has {need >> 20} MB to spare for it.")
    return target


def _fits(
    node: Mapping[str, Any], key: Key, need: int, placed: Mapping[Key, _Placed], *, without_idle: bool = False
) -> bool:
    shown = _held(node, ARRIVING | {State.READY})
    if key in shown:
        return True
    moved = {other: found.bytes for other, found in placed.items() if found.to == node["name"]}
    # Its last sign of life may be older than what was just moved there.
    used = node["used_bytes"] + sum(size for other, size in moved.items() if other not in shown)
    if without_idle:
        used -= sum(
            held["bytes"]
            for held in node["replicas"]
            if _may_leave(held) and Key(held["model"], held["version"]) not in moved
        )
    # Above the high watermark a node lets go of what is idle; one that holds nothing has nothing to let go of.
    return bool(not used or used + need <= node["budget_bytes"] * node["high_watermark"])


def _lost(placed: Mapping[Key, _Placed]) -> list[Key]:
    """Return what is not ready where it was moved to, by signs of life from after the last move."""
    seen: dict[str, set[float]] = {found.to: set() for found in placed.values()}

    def told(nodes: list[dict[str, Any]]) -> bool:
        there = [node for node in nodes if node["name"] in seen]
        for node in there:
            seen[node["name"]].add(node["at"])
        # The first may be from before, and the second may have been begun before.
        return all(len(seen[node["name"]]) > 2 for node in there)

    nodes_tell(told)
    ready = {node["name"]: _held(node, {State.READY}) for node in live_nodes(fresh=True)}
    return [key for key, found in placed.items() if key not in ready.get(found.to, ())]


def _may_leave(held: Mapping[str, Any]) -> bool:
    return held["state"] == State.READY and not held["leases"] and not held["pinned"]


def _held(node: Mapping[str, Any], states: Collection[State]) -> set[Key]:
    return {Key(held["model"], held["version"]) for held in node["replicas"] if held["state"] in states}


def _mark(name: str, *, draining: bool, actor: str) -> dict[str, Any]:
    """Return the node's answer; nothing of one that is away."""
    # The row outlives a restart of the node; the order makes it known at once.
    if not Node.objects.filter(name=name).update(draining=draining):
        if not any(node["name"] == name for node in live_nodes(fresh=True)):
            raise NodeNotFound(f"There is no node {name!r}.")
        Node.objects.create(name=name, draining=draining)
    event_record(kind=EventKind.OPERATE, node=name, reason="drain" if draining else "resume", actor=actor)
    if all(node["name"] != name for node in live_nodes(fresh=True)):
        return {}
    return send_order("drain" if draining else "resume", model="", version=None, node=name, seconds=10.0)
