"""System checks of alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from altlas.kernel.alerting.conf import conf


@register(Tags.security)
def check_alerting(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    return list(_webhook())


def _webhook() -> Iterator[CheckMessage]:
    if conf.webhook and not conf.secret:
        yield Error(
            "ALTLAS_ALERT_WEBHOOK is set without ALTLAS_ALERT_SECRET.",
            hint="Receivers could not tell our alerts from anybody's; set a random secret.",
            id="kernel.E001",
        )
    if conf.webhook and not conf.webhook.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        yield Error("ALTLAS_ALERT_WEBHOOK must be an https address.", id="kernel.E002")
