from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AuthgatewayConfig(AppConfig):
    name = "authgateway"
    verbose_name = _("Auth gateway")

    def ready(self) -> None:
        from altlas.kernel.health import register_check
        from authgateway import alert_rules, checks, signals  # noqa: F401  # they register themselves
        from authgateway.denylist.cache import check_eviction

        alert_rules.register()
        register_check("denylist", check_eviction)
        post_migrate.connect(_provision, sender=self, dispatch_uid="authgateway.provision")


def _provision(**_: Any) -> None:
    from authgateway.services import provisioning  # models are ready only now

    provisioning.provision()
