from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class CoordinationConfig(AppConfig):
    name = "altlas.coordination"
    label = "coordination"
    verbose_name = _("Coordination")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        autodiscover_modules("verifications")
        post_migrate.connect(_provide_schedules, sender=self, dispatch_uid="coordination.schedules")


def _provide_schedules(**_kwargs: Any) -> None:
    from altlas.coordination import schedules  # models are ready only now

    schedules.provide()
