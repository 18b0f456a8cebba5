from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ArchiveConfig(AppConfig):
    name = "archive"
    verbose_name = "Archive"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_provide_schedules, sender=self, dispatch_uid="archive.schedules")


def _provide_schedules(**_: Any) -> None:
    from archive import schedules  # models are ready only now

    schedules.provide()
