from django.apps import AppConfig


class AuthgatewayConfig(AppConfig):
    name = "authgateway"
    verbose_name = "Auth gateway"
