from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class OrchestratorConfig(AppConfig):
    name = "orchestrator"
    verbose_name = _("Orchestrator")

    def ready(self) -> None:
        from altlas.kernel.health import register_check
        from orchestrator import metrics  # noqa: F401  # declared once, before any request
        from orchestrator.readiness import nodes
        from orchestrator.watch import alert_rules

        register_check("nodes", nodes)
        alert_rules.register()
        post_migrate.connect(_register_default_model, sender=self, dispatch_uid="orchestrator.default_model")


def _register_default_model(using: str, apps: Any = None, **_: Any) -> None:
    from orchestrator.services import default_register

    # A run that stops at an older migration has no such table, or not all of its columns.
    # `flush` sends this signal too, without historic models.
    if using == "default" and (apps is None or _is_current(apps)):
        default_register()


def _is_current(apps: Any) -> bool:
    from orchestrator.models import ModelVersion

    try:
        historic = apps.get_model("orchestrator", "ModelVersion")
    except LookupError:
        return False
    return {field.name for field in historic._meta.fields} >= {field.name for field in ModelVersion._meta.fields}
