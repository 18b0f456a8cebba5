from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.signals import request_finished
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ArchiveConfig(AppConfig):
    name = "archive"
    verbose_name = _("Archive")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from celery.signals import task_postrun

        from archive import pool
        from archive.slow import capture

        connection_created.connect(capture.attach, dispatch_uid="archive.slow.attach")
        request_finished.connect(capture.flush, dispatch_uid="archive.slow.flush")
        request_finished.connect(pool.publish, dispatch_uid="archive.pool.publish")
        task_postrun.connect(capture.flush, dispatch_uid="archive.slow.flush")
        post_migrate.connect(_provide_schedules, sender=self, dispatch_uid="archive.schedules")


def _provide_schedules(**_: Any) -> None:
    from archive import schedules  # models are ready only now

    schedules.provide()
