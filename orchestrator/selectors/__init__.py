"""What other apps may read."""

from __future__ import annotations

from orchestrator.selectors.catalogue import (
    default_model,
    model_get,
    model_list,
    task_of,
    variant_rows,
    version_choose,
    version_find,
    version_routes,
    versions_of,
    versions_served,
)
from orchestrator.selectors.cluster import (
    cache_state,
    job_get,
    job_list,
    live_nodes,
    node_history,
    node_list,
    nodes_holding,
    nodes_tell,
)

__all__ = [
    "cache_state",
    "default_model",
    "job_get",
    "job_list",
    "live_nodes",
    "model_get",
    "model_list",
    "node_history",
    "node_list",
    "nodes_holding",
    "nodes_tell",
    "task_of",
    "variant_rows",
    "version_choose",
    "version_find",
    "version_routes",
    "versions_of",
    "versions_served",
]
