from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "altlas.kernel"
    label = "kernel"
