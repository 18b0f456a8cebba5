"""The state of model versions across the cluster, in the five words of Triton's repository index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

READY, LOADING, UNLOADING, UNAVAILABLE = "READY", "LOADING", "UNLOADING", "UNAVAILABLE"
_WORDS: Final = {
    "ready": READY,
    "new": LOADING,
    "queued": LOADING,
    "reserved": LOADING,
    "loading": LOADING,
    "warming": LOADING,
    "draining": UNLOADING,
    "unloading": UNLOADING,
}
_ORDER: Final = (READY, LOADING, UNLOADING)


def replica_states(nodes: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Return model and version -> the best state that any node's copy has; what no node holds is not in it."""
    found: dict[tuple[str, str], str] = {}
    for node in nodes:
        for replica in node["replicas"]:
            key = (replica["model"], replica["version"])
            word = _WORDS.get(replica["state"])
            if word is not None and (key not in found or _ORDER.index(word) < _ORDER.index(found[key])):
                found[key] = word
    return found


def failure_reasons(nodes: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Return model and version -> why its last load failed, for those that a node does not try again yet."""
    return {
        (failure["model"], failure["version"]): str(failure["detail"])
        for node in nodes
        for failure in node.get("failures", ())
    }
