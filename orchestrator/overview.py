"""What the orchestrator says about itself to the console."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from altlas.kernel.clock import now
from altlas.kernel.overview import Figure, ServiceOverview, State
from orchestrator import selectors
from orchestrator.models import CacheEvent, EventKind

_RECENT = timedelta(hours=24)
_TROUBLE = (EventKind.FAIL, EventKind.CRASH, EventKind.HANG)


def overview() -> ServiceOverview:
    """Return live nodes, loaded replicas, memory against the budget and the troubles of a day."""
    nodes = selectors.cache_state()
    replicas = [replica for node in nodes for replica in node["replicas"]]
    ready = sum(replica["state"] == "ready" for replica in replicas)
    used, budget = (sum(node[name] for node in nodes) for name in ("used_bytes", "budget_bytes"))
    troubles = CacheEvent.objects.filter(kind__in=_TROUBLE, at__gte=now() - _RECENT).count()
    state: State = "ok"
    reason = ""
    if not nodes:
        state, reason = "failing", _("No node is alive: nothing can be inferred.")
    elif troubles:
        state, reason = "warning", _("Models failed or runners died in the last 24 hours; see the decision log.")
    return ServiceOverview(
        name="orchestrator",
        title=_("Orchestrator"),
        state=state,
        reason=reason,
        headline=Figure(label=_("models ready"), value=f"{ready:,}"),
        figures=(
            Figure(label=_("live nodes"), value=f"{len(nodes):,}"),
            Figure(label=_("memory / budget"), value=f"{used / 2**20:,.0f} / {budget / 2**20:,.0f} MB"),
            Figure(label=_("failures, 24 h"), value=f"{troubles:,}"),
        ),
        link=reverse("admin:orchestrator_model_changelist"),
    )
