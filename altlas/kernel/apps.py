from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class KernelConfig(AppConfig):
    name = "altlas.kernel"
    label = "kernel"
    verbose_name = _("Operations")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from altlas.kernel import slow_queries
        from altlas.kernel.alerting import checks  # noqa: F401  # they register themselves

        slow_queries.install()

        # Without a sender: schedules and rules of apps that are migrated later come in at the next signal.
        post_migrate.connect(_provision, dispatch_uid="altlas.kernel.provision")


def _provision(app_config: Any, **_: Any) -> None:
    # Once per migrate, at its end: the wiring's app is the last one.
    if app_config.label == "altlas":
        from altlas.kernel import provisioning  # models are ready only now

        provisioning.provision()
