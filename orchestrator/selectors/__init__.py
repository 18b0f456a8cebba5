from __future__ import annotations

from orchestrator.selectors.catalogue import default_model, model_get, model_list, version_choose, versions_of
from orchestrator.selectors.cluster import cache_state, live_nodes, node_list

__all__ = [
    "cache_state",
    "default_model",
    "live_nodes",
    "model_get",
    "model_list",
    "node_list",
    "version_choose",
    "versions_of",
]
