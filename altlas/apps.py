from django.apps import AppConfig


class AltlasConfig(AppConfig):
    """Wiring: makes the configured Celery app the current one in every process that sets Django up."""

    name = "altlas"
    label = "altlas"

    def ready(self) -> None:
        import altlas.celery  # noqa: F401  # importing configures it, which needs loaded settings
