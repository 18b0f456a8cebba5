"""Periodic tasks that an installation begins with; repeated after every migrate, never undoing an operator's edit."""

from __future__ import annotations

from django.conf import settings
from django.db import connection
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

# Row name -> (task, hour and minute in ALTLAS_TIME_ZONE).
_DAILY = {
    "Coordination: verify everything at low load": ("coordination.verify_all", 4, 30),
    "Coordination: daily run": ("coordination.daily", 9, 30),
}
# Row name -> (task, seconds between runs).
_PERIODIC = {
    "Coordination: tend the verification runs": ("coordination.tend", 15),
    "Coordination: watch rollouts": ("coordination.watch", 3600),
}


def provide() -> None:
    """Create the tasks that are missing, by task name: a renamed, changed or disabled one stays as it is."""
    if PeriodicTask._meta.db_table not in connection.introspection.table_names():
        return  # the scheduler's migrations come later and will bring us here again
    for name, (task, hour, minute) in _DAILY.items():
        if not PeriodicTask.objects.filter(task=task).exists():
            at, _ = CrontabSchedule.objects.get_or_create(
                minute=str(minute),
                hour=str(hour),
                day_of_week="*",
                day_of_month="*",
                month_of_year="*",
                timezone=settings.TIME_ZONE,
            )
            PeriodicTask.objects.get_or_create(name=name, defaults={"task": task, "crontab": at})
    for name, (task, seconds) in _PERIODIC.items():
        if not PeriodicTask.objects.filter(task=task).exists():
            every, _ = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
            PeriodicTask.objects.get_or_create(
                name=name, defaults={"task": task, "interval": every, "expire_seconds": seconds}
            )
