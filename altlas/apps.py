from django.apps import AppConfig
from django.conf import settings


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
