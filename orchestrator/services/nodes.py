"""Taking a node out of service and back in."""

from __future__ import annotations

import random
import time
from typing import Any

from altlas.kernel.errors import AltlasError
from orchestrator.conf import conf
from orchestrator.exceptions import LastNode, NodeNotFound
from orchestrator.models import EventKind, Node
from orchestrator.placement import choose
from orchestrator.selectors.catalogue import version_find
from orchestrator.selectors.cluster import live_nodes
from orchestrator.services.events import event_record
from orchestrator.services.operate import load_on, send_order

_rng = random.Random()  # noqa: S311  # spreads load, guards nothing


def node_drain(*, name: str, actor: str = "", seconds: float | None = None) -> dict[str, Any]:
    """Let ``name`` take nothing new, load its models on other nodes, then unload them there.

    Returns ``{"node", "moved": [{"model", "version", "to"}], "kept": [{"model", "version", "detail"}]}``. What could
    not be moved stays where it is and serves on; draining once more tries that again, and that only.

    Raises:
        NodeNotFound: no live node has this name.
        LastNode: there is nowhere to move to.
    """
    nodes = live_nodes(fresh=True)
    if all(node["name"] != name for node in nodes):
        raise NodeNotFound(f"There is no live node {name!r}.")
    others = [node for node in nodes if node["name"] != name and not node.get("draining")]
    if not others:
        raise LastNode(f"{name} is the only node in service; start another one first.")
    # The node's own word: its last sign of life still shows what it was told to unload a moment ago.
    held = _mark(name, draining=True, actor=actor).get("held", [])
    until = time.monotonic() + (conf.load_seconds if seconds is None else seconds)
    moved, kept = list[dict[str, str]](), list[dict[str, str]]()
    for model, version in sorted({(str(model), str(version)) for model, version in held}):
        target = choose(others, model=model, version=version, now=time.time(), rng=_rng) or others[0]["name"]
        try:
            left = max(1.0, until - time.monotonic())
            row = version_find(model=model, version=version)
            load_on(row, node=target, seconds=left, requested_by=actor or "drain")
            send_order("unload", model=model, version=version, node=name, seconds=10.0)
        except AltlasError as exc:
            kept.append({"model": model, "version": version, "detail": exc.detail})
        else:
            moved.append({"model": model, "version": version, "to": target})
    return {"node": name, "moved": moved, "kept": kept}


def node_resume(*, name: str, actor: str = "") -> None:
    """Put a drained node back into service.

    Raises:
        NodeNotFound.
    """
    _mark(name, draining=False, actor=actor)


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
