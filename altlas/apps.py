from __future__ import annotations

from collections.abc import Sequence

from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import SimpleAdminConfig
from django.core import checks


class AdminConfig(SimpleAdminConfig):
    """The admin, whose pages are found when the routes are (``altlas.urls``): a worker or beat that serves none of
    them would hold them in memory for nothing."""

    def ready(self) -> None:
        checks.register(_check_admin, checks.Tags.admin)


def _check_admin(app_configs: Sequence[AppConfig] | None, **_: object) -> list[checks.CheckMessage]:
    from django.contrib.admin import checks as pages

    import altlas.urls  # noqa: F401  # only what has been found can be checked

    return [
        *pages.check_dependencies(app_configs=app_configs),
        *pages.check_admin_app(app_configs=app_configs),
    ]


class AltlasConfig(AppConfig):
    """Wiring: makes the configured Celery app the current one in every process that sets Django up."""

    name = "altlas"
    label = "altlas"

    def ready(self) -> None:
        import altlas.celery  # importing configures it, which needs loaded settings
        import altlas.kernel.ledger.task  # noqa: F401  # listens to what is sent
        from altlas.console import alert_rules, language
        from altlas.kernel import redaction

        # All settings have been read by now, so all secrets are known.
        redaction.learn([settings.SECRET_KEY])
        alert_rules.register()
        language.install()
