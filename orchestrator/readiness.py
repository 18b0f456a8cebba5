"""Readiness of the orchestrator for ``/readyz``."""

from __future__ import annotations

from orchestrator.selectors.cluster import live_nodes


def nodes() -> None:
    """Pass when at least one node reports; raises with the reason otherwise."""
    if not live_nodes(fresh=True):
        raise RuntimeError("no node worker is alive")
