"""What the orchestrator says about itself to the console."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from altlas.kernel.overview import Figure, ServiceOverview
from orchestrator.models import Model
from orchestrator.selectors.cluster import cache_state


def overview() -> ServiceOverview:
    """Return the nodes' caches in figures: models in memory, bytes, leases."""
    nodes = cache_state()
    replicas = [replica for node in nodes for replica in node["replicas"]]
    used = sum(node["used_bytes"] for node in nodes)
    budget = sum(node["budget_bytes"] for node in nodes)
    failing = [failure for node in nodes for failure in node["failures"]]
    state = "ok" if nodes else "failing"
    reason = "" if nodes else _("No node is alive: no model can be used.")
    if nodes and failing:
        state, reason = "warning", _("%(model)s fails to load.") % {"model": failing[0]["model"]}
    return ServiceOverview(
        name="orchestrator",
        title=_("Orchestrator"),
        state=state,  # type: ignore[arg-type]  # one of the literals above
        reason=reason,
        headline=Figure(label=_("models in memory"), value=str(sum(r["state"] == "ready" for r in replicas))),
        figures=(
            Figure(label=_("memory of models"), value=f"{used / 2**20:,.0f} / {budget / 2**20:,.0f} MB"),
            Figure(label=_("nodes"), value=str(len(nodes))),
            Figure(label=_("models known"), value=str(Model.objects.count())),
        ),
        measures={
            "loaded": sum(r["state"] == "ready" for r in replicas),
            "used_bytes": used,
            "budget_bytes": budget,
            "nodes": len(nodes),
        }
        | _hit_rate(nodes),
        trend="used_bytes",
        link=reverse("admin:orchestrator_node_cache"),
    )


def _hit_rate(nodes: list[dict[str, Any]]) -> dict[str, float]:
    """Return the share of requests that found their model loaded, on every node since its start."""
    hits, misses = (sum(node[name] for node in nodes) for name in ("hits", "misses"))
    return {"hit_rate": hits / (hits + misses)} if hits + misses else {}
