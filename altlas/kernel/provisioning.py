"""What the kernel needs in its tables; repeated after every migrate, never undoing an operator's edit."""

from __future__ import annotations

from django.db import connection

from altlas.kernel.alerting.services import rules_provision
from altlas.kernel.models import AlertRule

# Row name -> (task, seconds between runs).
_PERIODIC = {
    "Alerts: ask the rules": ("altlas.alerts_evaluate", 60),
    "Console: take samples": ("altlas.samples_take", 60),
    "Alerts: send what is pending": ("altlas.alerts_send", 30),
    "Operations: purge what has expired": ("altlas.kernel_purge", 3600),
}


def provision() -> None:
    tables = connection.introspection.table_names()
    if AlertRule._meta.db_table in tables:
        rules_provision()
    if "django_celery_beat_periodictask" in tables:
        _schedules()


def _schedules() -> None:
    """Create the periodic tasks that are missing, by task: a renamed, changed or disabled one stays as it is."""
    from django_celery_beat.models import IntervalSchedule, PeriodicTask  # the scheduler's app may be set up later

    for name, (task, seconds) in _PERIODIC.items():
        if not PeriodicTask.objects.filter(task=task).exists():
            every, _ = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
            PeriodicTask.objects.get_or_create(
                name=name, defaults={"task": task, "interval": every, "expire_seconds": seconds}
            )
