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

        post_migrate.connect(_provision, sender=self, dispatch_uid="altlas.kernel.provision")


def _provision(**_: Any) -> None:
    from altlas.kernel import provisioning  # models are ready only now

    provisioning.provision()
