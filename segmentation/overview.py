"""What segmentation says about itself to the console."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count
from django.urls import reverse
from django.utils.translation import gettext as _

from altlas.kernel.clock import now
from altlas.kernel.overview import Figure, ServiceOverview, State
from segmentation.models import SegmentationRun
from segmentation.statuses import Status

_RECENT = timedelta(hours=24)
# A run that waits longer than this has no node that takes it.
_STUCK_AFTER = timedelta(minutes=2)


def overview() -> ServiceOverview:
    """Return how many runs of a day ended how, and whether any waits too long."""
    instant = now()
    recent = SegmentationRun.objects.filter(created_at__gte=instant - _RECENT)
    counts = dict(recent.order_by().values_list("status").annotate(Count("id")))
    failed = counts.get(Status.FAILED, 0)
    waiting = SegmentationRun.objects.filter(status=Status.QUEUED)
    stuck = waiting.filter(created_at__lt=instant - _STUCK_AFTER).count()
    state: State = "ok"
    reason = ""
    if stuck:
        state = "failing"
        reason = _("%(count)d runs have waited for more than two minutes: no node takes them.") % {"count": stuck}
    elif failed:
        state, reason = "warning", _("Some runs of the last 24 hours failed; see the runs.")
    return ServiceOverview(
        name="segmentation",
        title=_("Segmentation"),
        state=state,
        reason=reason,
        headline=Figure(label=_("runs, 24 h"), value=f"{sum(counts.values()):,}"),
        figures=(
            Figure(label=_("succeeded"), value=f"{counts.get(Status.SUCCEEDED, 0):,}"),
            Figure(label=_("failed"), value=f"{failed:,}"),
            Figure(label=_("queued or running"), value=f"{waiting.count() + counts.get(Status.RUNNING, 0):,}"),
        ),
        measures={
            "runs": sum(counts.values()),
            "failed": failed,
            "waiting": counts.get(Status.QUEUED, 0) + counts.get(Status.RUNNING, 0),
        },
        trend="runs",
        link=reverse("admin:segmentation_segmentationrun_changelist"),
    )
