"""Indexes that begin with an equal column put the NULLs that they do not have elsewhere than archive_created does.

So the planner, whatever its statistics, has one index for "kind = x in the order of time" instead of two, of which the
other one is filtered row by row.
"""

from django.db import migrations, models

_ALIVE = models.Q(deleted_at__isnull=True)
_DOWN = (models.F("created_at").desc(nulls_last=True), models.F("id").desc(nulls_last=True))
_UP = (models.F("created_at").asc(nulls_first=True), models.F("id").asc(nulls_first=True))
_RATE = models.F("success_rate").desc(nulls_last=True)


class Migration(migrations.Migration):
    dependencies = [("archive", "0004_stats")]

    operations = [
        migrations.RemoveIndex("record", "archive_kind"),
        migrations.RemoveIndex("record", "archive_status"),
        migrations.RemoveIndex("record", "archive_success"),
        migrations.AddIndex(
            "record", models.Index("owner", "kind", *_DOWN, name="archive_kind", condition=_ALIVE)
        ),
        migrations.AddIndex(
            "record", models.Index("owner", "status", *_DOWN, name="archive_status", condition=_ALIVE)
        ),
        migrations.AddIndex(
            "record", models.Index("owner", _RATE, *_UP, name="archive_success", condition=_ALIVE)
        ),
    ]
