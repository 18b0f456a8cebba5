"""Periodic tasks that an installation begins with; repeated after every migrate, never undoing an operator's edit."""

from __future__ import annotations

from django.db import connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask

# Row name -> (task, seconds between runs).
_PERIODIC = {
    "Archive: refresh the statistics": ("archive.stats_refresh", 60),
    "Archive: explain slow statements": ("archive.slow_plans", 60),
    "Archive: count what the cache holds": ("archive.cache_census", 60),
    "Archive: delete what retention rules say": ("archive.retention", 24 * 3600),
    "Archive: make the next months' partitions": ("archive.partitions", 24 * 3600),
    "Archive: purge what has expired": ("archive.purge", 3600),
}


def provide() -> None:
    """Create the tasks that are missing, by task name: a renamed, changed or disabled one stays as it is."""
    if PeriodicTask._meta.db_table not in connection.introspection.table_names():
        return  # the scheduler's migrations come later and will bring us here again
    for name, (task, seconds) in _PERIODIC.items():
        if not PeriodicTask.objects.filter(task=task).exists():
            every, _ = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
            # One that waited longer than its period has been overtaken by the next.
            PeriodicTask.objects.get_or_create(
                name=name, defaults={"task": task, "interval": every, "expire_seconds": seconds}
            )
