"""What the archive says about itself to the console."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from altlas.kernel.clock import now
from altlas.kernel.overview import Figure, ServiceOverview
from archive.models import Record

_COUNTED_AT_MOST = 10_000


def overview() -> ServiceOverview:
    """Return size and growth of the archive, from the planner's estimate and the key alone: cheap at any size."""
    first_of_day = UUID(int=int((now() - timedelta(hours=24)).timestamp() * 1000) << 80)
    recent = Record.objects.filter(id__gte=first_of_day).order_by("-id")
    newest = recent.values_list("created_at", flat=True).first()
    added = recent.values("id")[: _COUNTED_AT_MOST + 1].count()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reltuples::bigint, pg_total_relation_size(oid) FROM pg_class WHERE oid = %s::regclass",
            [Record._meta.db_table],
        )
        rows, size = cursor.fetchone()
    # A table that was never analysed has no estimate (-1); it is small then.
    total = rows if rows > _COUNTED_AT_MOST else Record.objects.count()
    return ServiceOverview(
        name="archive",
        title=_("Archive"),
        state="ok",
        headline=Figure(label=_("records"), value=f"{total:,}"),
        figures=(
            Figure(
                label=_("added in 24 h"), value=f"{added:,}" if added <= _COUNTED_AT_MOST else f"> {_COUNTED_AT_MOST:,}"
            ),
            Figure(label=_("newest"), value=timezone.localtime(newest).strftime("%H:%M:%S") if newest else "–"),
            Figure(label=_("on disk"), value=f"{size / 2**20:,.1f} MB"),
        ),
        link=reverse("admin:archive_record_changelist"),
    )
