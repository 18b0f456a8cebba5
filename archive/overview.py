"""What the archive says about itself to the console."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils.translation import gettext as _

from altlas.kernel import readings
from altlas.kernel.clock import now
from altlas.kernel.overview import Figure, ServiceOverview
from archive import counts, partitions
from archive.database import fetch
from archive.models import AuditEntry, Record

_RECENT = timedelta(hours=24)


def overview() -> ServiceOverview:
    """Return about how many records there are, what was written in a day and how large the table is."""
    recent = AuditEntry.objects.filter(at__gte=now() - _RECENT)
    created = counts.capped(recent.filter(action="record_create"))
    deleted = counts.capped(recent.filter(action="record_delete"))
    size = fetch(f"SELECT sum(pg_total_relation_size(relid)) FROM ({partitions.PARTS}) AS parts")[0][0]  # noqa: S608  # fixed
    records = counts.of_table(Record)
    return ServiceOverview(
        name="archive",
        title=_("Archive"),
        state="ok",
        reason="",
        headline=Figure(label=_("records"), value=str(records)),
        figures=(
            Figure(label=_("created, 24 h"), value=str(created)),
            Figure(label=_("deleted, 24 h"), value=str(deleted)),
            Figure(label=_("on disk"), value=f"{size / 2**20:,.0f} MB"),
        ),
        measures={"records": records.value, "created": created.value, "bytes": size} | _hit_rate(),
        trend="records",
        link=reverse("admin:archive_record_changelist"),
    )


def _hit_rate() -> dict[str, float]:
    """Return the share of answers that the cache gave, on this machine since its start; nothing before the first."""
    reads = readings.totals("altlas_archive_cache_reads_total")["altlas_archive_cache_reads_total"]
    total = sum(reads.values())
    # Labels come in the order of their names: outcome, route.
    hits = sum(count for (outcome, _route), count in reads.items() if outcome in ("hit", "wait", "early"))
    return {"hit_rate": hits / total} if total else {}
