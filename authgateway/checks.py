"""System checks: a weak configuration is an error with an id, not a surprise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from altlas.kernel.env import SettingError
from authgateway.caller import trusted_proxies
from authgateway.conf import conf
from authgateway.keys import kek


@register(Tags.security)
def check_configuration(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    return [*_keys(), *_denylist(), *_lifetimes(), *_doors(), *_alerts(), *_passwords()]


def _keys() -> Iterator[CheckMessage]:
    try:
        kek.keks()
    except SettingError as exc:
        yield Error(
            str(exc),
            hint='Make one: python -c "import secrets; print(secrets.token_urlsafe(32))"',
            id="authgateway.E001",
        )
    if conf.kek and conf.kek in (settings.SECRET_KEY, *getattr(settings, "SECRET_KEY_FALLBACKS", ())):
        yield Error("ALTLAS_KEK is the SECRET_KEY.", hint="Give it a value of its own.", id="authgateway.E002")


def _denylist() -> Iterator[CheckMessage]:
    options: Any = settings.CACHES.get("security", {}).get("OPTIONS", {})
    if options.get("IGNORE_EXCEPTIONS", False):
        yield Error(
            "CACHES['security'] ignores exceptions: an outage would read as `nothing is denied`.",
            hint="Set IGNORE_EXCEPTIONS to False.",
            id="authgateway.E003",
        )
    if settings.REDIS_URLS["security"] == settings.REDIS_URLS["cache"]:
        yield Error(
            "The denylist shares its Redis database with caches that may be emptied.",
            hint="Give ALTLAS_REDIS_SECURITY_URL a database of its own.",
            id="authgateway.E004",
        )


def _lifetimes() -> Iterator[CheckMessage]:
    if conf.refresh_idle_seconds > conf.refresh_absolute_seconds:
        yield Error(
            "ALTLAS_REFRESH_IDLE_SECONDS exceeds ALTLAS_REFRESH_ABSOLUTE_SECONDS.",
            hint="The idle limit must be the shorter one.",
            id="authgateway.E005",
        )
    if conf.staff_absolute_seconds > conf.refresh_absolute_seconds:
        yield Warning(
            "Sessions of staff live longer than those of others.",
            hint="Shorten ALTLAS_STAFF_REFRESH_ABSOLUTE_SECONDS.",
            id="authgateway.W006",
        )
    if conf.access_seconds > 900:
        yield Warning(
            "Access tokens live longer than 15 minutes.", hint="Lower ALTLAS_ACCESS_SECONDS.", id="authgateway.W007"
        )


def _doors() -> Iterator[CheckMessage]:
    rest: dict[str, Any] = settings.REST_FRAMEWORK
    if rest.get("DEFAULT_PERMISSION_CLASSES") != ["authgateway.permissions.HasScope"]:
        yield Error(
            "The API is not closed by default.",
            hint='Set DEFAULT_PERMISSION_CLASSES to ["authgateway.permissions.HasScope"].',
            id="authgateway.E008",
        )
    if rest.get("DEFAULT_AUTHENTICATION_CLASSES") != ["authgateway.authentication.AccessTokenAuthentication"]:
        yield Error(
            "The API accepts other credentials than access tokens by default.",
            hint='Set DEFAULT_AUTHENTICATION_CLASSES to ["authgateway.authentication.AccessTokenAuthentication"].',
            id="authgateway.E009",
        )
    try:
        networks = trusted_proxies(conf.trusted_proxies)
    except SettingError as exc:
        yield Error(str(exc), id="authgateway.E010")
    else:
        if any(network.prefixlen == 0 for network in networks):
            yield Error(
                "ALTLAS_TRUSTED_PROXIES trusts everybody: any client could choose its address.",
                hint="Name the networks of your proxies.",
                id="authgateway.E011",
            )


def _alerts() -> Iterator[CheckMessage]:
    if conf.alert_webhook and not conf.alert_secret:
        yield Error(
            "ALTLAS_SECURITY_ALERT_WEBHOOK is set without ALTLAS_SECURITY_ALERT_SECRET.",
            hint="Receivers could not tell our alerts from anybody's; set a random secret.",
            id="authgateway.E014",
        )
    if conf.alert_webhook and not conf.alert_webhook.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        yield Error("ALTLAS_SECURITY_ALERT_WEBHOOK must be an https address.", id="authgateway.E015")


def _passwords() -> Iterator[CheckMessage]:
    if "Argon2" not in settings.PASSWORD_HASHERS[0]:
        yield Error("New passwords are not hashed with Argon2id.", id="authgateway.E012")
    if not settings.AUTH_PASSWORD_VALIDATORS:
        yield Error("No password is too weak here.", hint="Set AUTH_PASSWORD_VALIDATORS.", id="authgateway.E013")
