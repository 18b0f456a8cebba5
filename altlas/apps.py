from django.apps import AppConfig


class AltlasConfig(AppConfig):
    """Wiring: makes the configured Celery app the current one in every process that sets Django up."""

    name = "altlas"
    label = "altlas"

    def ready(self) -> None:
        import altlas.celery  # importing configures it, which needs loaded settings
        import altlas.kernel.ledger.task  # noqa: F401  # listens to what is sent
        from altlas.console import alert_rules, language

        alert_rules.register()
        language.install()
