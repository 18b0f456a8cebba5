"""What an installation needs in its tables; repeated after every migrate, never undoing an operator's edit."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from authgateway import scopes
from authgateway.keys import ring
from authgateway.models import SigningKey
from authgateway.services.signing_keys import signing_keys_ensure


def provision() -> None:
    if SigningKey._meta.db_table not in connection.introspection.table_names():
        return  # migrated backwards
    for name in scopes.GROUPS:
        Group.objects.get_or_create(name=name)
    _schedules()
    ring.reset()
    signing_keys_ensure()


# Row name -> (task, seconds between runs).
_PERIODIC = {
    "Auth: tend the signing keys": ("authgateway.keys_tend", 300),
    "Auth: send pending alerts": ("authgateway.alert", 60),
    "Auth: purge what has expired": ("authgateway.purge", 3600),
}


def _schedules() -> None:
    """Create the periodic tasks that are missing, by task: a renamed, changed or disabled one stays as it is."""
    if PeriodicTask._meta.db_table not in connection.introspection.table_names():
        return  # this app's migrations may run before those of the scheduler; its own will come back here
    for name, (task, seconds) in _PERIODIC.items():
        if not PeriodicTask.objects.filter(task=task).exists():
            every, _ = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
            PeriodicTask.objects.get_or_create(name=name, defaults={"task": task, "interval": every})
