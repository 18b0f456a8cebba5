"""Settings of alerts."""

from __future__ import annotations

from dataclasses import dataclass

from altlas.kernel import env


@dataclass(kw_only=True, slots=True)
class Conf:
    emails: tuple[str, ...] = env.csv("ALTLAS_ALERT_EMAILS", help="Addresses that are told of alerts.")
    webhook: str = env.text("ALTLAS_ALERT_WEBHOOK", help="URL that alerts are posted to as JSON.")
    secret: str = env.secret(
        "ALTLAS_ALERT_SECRET",
        help="Signs webhook bodies: `X-Altlas-Signature: t=<Unix time>,v1=<HMAC-SHA256 of time.body as hex>`.",
    )
    timeout: float = env.seconds("ALTLAS_ALERT_TIMEOUT", 5, minimum=0.1, help="Longest wait for the webhook's answer.")
    attempts: int = env.integer(
        "ALTLAS_ALERT_ATTEMPTS",
        12,
        minimum=1,
        maximum=1000,
        help="Tries of one alert message; 30 s after the first, then doubling up to an hour.",
    )
    days: int = env.integer("ALTLAS_ALERT_DAYS", 180, minimum=1, help="How long resolved alerts are kept.")
    language: str = env.choice(
        "ALTLAS_MAIL_LANGUAGE", "en", choices=("en", "tr"), help="Language of mails that go to addresses, not accounts."
    )


conf = Conf()
