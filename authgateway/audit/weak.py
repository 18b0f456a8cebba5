"""A deliberately weak configuration: what the audit must find, or it proves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from authgateway.audit.findings import DAY
from authgateway.conf import conf
from authgateway.keys import rsa_key


def _changes() -> list[tuple[Any, dict[str, Any]]]:
    security = settings.CACHES["security"]
    return [
        (
            conf,
            {
                "access_seconds": 3600,
                "clock_skew": 300,
                "refresh_idle_seconds": 400 * DAY,
                "refresh_absolute_seconds": 400 * DAY,
                "sessions_per_user": 10**6,
                "grace_seconds": 3600,
                "login_pair_limit": 10**6,
                "login_window_seconds": 1,
                "step_up_seconds": 10**8,
                "dpop_seconds": 10**6,
                "key_active_seconds": 3650 * DAY,
                "key_ring_seconds": 3600.0,
                "api_token_days": 10**5,
                "event_days": 1,
                "risk_high": 10**6,
                "kek": "weak",
                "trusted_proxies": ("0.0.0.0/0",),
                "alert_webhook": "http://alerts.example.org",
                "alert_secret": "",
            },
        ),
        (
            settings,
            {
                "CACHES": {**settings.CACHES, "security": {**security, "OPTIONS": {"IGNORE_EXCEPTIONS": True}}},
                "REST_FRAMEWORK": {
                    **settings.REST_FRAMEWORK,
                    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
                    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
                },
                "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
                "AUTH_PASSWORD_VALIDATORS": [],
                "MIDDLEWARE": [*settings.MIDDLEWARE, "corsheaders.middleware.CorsMiddleware"],
                "ALLOWED_HOSTS": ["*"],
                "DEBUG": True,
                "DATA_UPLOAD_MAX_MEMORY_SIZE": None,
                "SESSION_COOKIE_HTTPONLY": False,
                "SESSION_COOKIE_SECURE": False,
                "PRODUCTION": True,
                "SECURE_SSL_REDIRECT": False,
            },
        ),
        (rsa_key, {"BITS": 1024}),
    ]


@contextmanager
def weakened() -> Iterator[None]:
    """Look at everything as if it were set badly; nothing is written and nothing serves meanwhile."""
    kept: list[tuple[Any, str, Any]] = []
    try:
        for owner, values in _changes():
            for name, value in values.items():
                kept.append((owner, name, getattr(owner, name)))
                setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in reversed(kept):
            setattr(owner, name, value)
