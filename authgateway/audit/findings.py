"""Looking at the settings in force: each function says what it found and whether that is good enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from altlas.kernel.env import SettingError
from authgateway import checks
from authgateway.caller import trusted_proxies
from authgateway.conf import conf
from authgateway.keys import rsa_key

DAY = 86_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """``ok`` is None for what only the installation can decide: open, neither good nor bad."""

    ok: bool | None
    shown: str


Check = Callable[[], Finding]


def _at_most(name: str, most: float) -> Check:
    def check() -> Finding:
        value = getattr(conf, name)
        return Finding(ok=value <= most, shown=f"{name} = {value} (at most {most:g})")

    return check


def _at_least(name: str, least: float) -> Check:
    def check() -> Finding:
        value = getattr(conf, name)
        return Finding(ok=value >= least, shown=f"{name} = {value} (at least {least:g})")

    return check


access_life = _at_most("access_seconds", 900)
skew = _at_most("clock_skew", 60)
idle_life = _at_most("refresh_idle_seconds", 14 * DAY)
absolute_life = _at_most("refresh_absolute_seconds", 90 * DAY)
sessions = _at_most("sessions_per_user", 100)
grace = _at_most("grace_seconds", 60)
guesses = _at_most("login_pair_limit", 10)
window = _at_least("login_window_seconds", 60)
step_up = _at_most("step_up_seconds", 3600)
proof_age = _at_most("dpop_seconds", 300)
key_age = _at_most("key_active_seconds", 180 * DAY)
kill_delay = _at_most("key_ring_seconds", 5)
script_life = _at_most("api_token_days", 366)
evidence = _at_least("event_days", 90)
risk_end = _at_most("risk_high", 100)


def key_size() -> Finding:
    bits = rsa_key.BITS
    return Finding(ok=bits >= 3072, shown=f"RSA of {bits} bits, none below {rsa_key.LEAST_BITS} accepted")


def key_encryption() -> Finding:
    bad = [message.msg for message in checks._keys()]
    return Finding(ok=not bad, shown=bad[0] if bad else "AES-256-GCM under a key-encryption key of its own")


def denylist() -> Finding:
    bad = [message.msg for message in checks._denylist()]
    return Finding(ok=not bad, shown=bad[0] if bad else "own Redis database, errors are not ignored")


def closed_by_default() -> Finding:
    found = settings.REST_FRAMEWORK.get("DEFAULT_PERMISSION_CLASSES")
    return Finding(ok=found == ["authgateway.permissions.HasScope"], shown=f"default permission {found}")


def one_authentication() -> Finding:
    found = settings.REST_FRAMEWORK.get("DEFAULT_AUTHENTICATION_CLASSES")
    good = ["authgateway.authentication.AccessTokenAuthentication"]
    return Finding(ok=found == good, shown=f"default authentication {found}")


def password_hash() -> Finding:
    found = settings.PASSWORD_HASHERS[0].rsplit(".", 1)[-1]
    return Finding(ok="Argon2" in found, shown=found)


def password_rules() -> Finding:
    validators: list[dict[str, Any]] = list(settings.AUTH_PASSWORD_VALIDATORS)
    named = {item["NAME"].rsplit(".", 1)[-1]: item.get("OPTIONS", {}) for item in validators}
    least = named.get("MinimumLengthValidator", {}).get("min_length", 0)
    common = "CommonPasswordValidator" in named
    return Finding(ok=least >= 8 and common, shown=f"at least {least} characters, list of common ones: {common}")


def proxies() -> Finding:
    try:
        networks = trusted_proxies(conf.trusted_proxies)
    except SettingError as exc:
        return Finding(ok=False, shown=str(exc))
    everybody = any(network.prefixlen == 0 for network in networks)
    return Finding(ok=not everybody, shown=", ".join(map(str, networks)) or "no proxy is trusted")


def no_cors() -> Finding:
    found = [name for name in settings.MIDDLEWARE if "cors" in name.lower()]
    return Finding(ok=not found, shown=f"CORS middleware: {found or 'none'}")


def hosts() -> Finding:
    return Finding(ok="*" not in settings.ALLOWED_HOSTS, shown=f"ALLOWED_HOSTS = {list(settings.ALLOWED_HOSTS)}")


def no_debug() -> Finding:
    return Finding(ok=not settings.DEBUG, shown=f"DEBUG = {settings.DEBUG}")


def body_bound() -> Finding:
    most: Any = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return Finding(ok=most is not None and most <= 64 * 2**20, shown=f"largest body {most}")


def cookies_closed() -> Finding:
    ok = settings.SESSION_COOKIE_HTTPONLY and settings.CSRF_COOKIE_HTTPONLY
    return Finding(ok=ok, shown=f"HttpOnly: {ok}")


def https_only() -> Finding:
    secure = settings.SESSION_COOKIE_SECURE and settings.SECURE_SSL_REDIRECT and settings.SECURE_HSTS_SECONDS > 0
    if not settings.PRODUCTION:
        return Finding(ok=None, shown="decided by ALTLAS_ENVIRONMENT=production")
    return Finding(ok=secure, shown=f"Secure cookies, redirect and HSTS: {secure}")


def alerts() -> Finding:
    bad = [message.msg for message in checks._alerts()]
    if bad:
        return Finding(ok=False, shown=bad[0])
    told = [name for name, value in (("mail", conf.alert_emails), ("webhook", conf.alert_webhook)) if value]
    return Finding(ok=bool(told) or None, shown=" and ".join(told) or "nobody is told: set an address or a webhook")
