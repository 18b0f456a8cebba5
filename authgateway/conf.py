"""Settings of the auth gateway."""

from __future__ import annotations

from dataclasses import dataclass

from altlas.kernel import env


@dataclass(kw_only=True, slots=True)
class Conf:
    issuer: str = env.text("ALTLAS_ISSUER", "altlas", help="`iss` of access tokens; verifiers demand exactly this.")
    audience: str = env.text(
        "ALTLAS_AUDIENCE", "altlas-api", help="`aud` of access tokens; verifiers demand exactly this."
    )
    kek: str = env.secret(
        "ALTLAS_KEK",
        help="Keys that encrypt the private signing keys: 32 bytes each as base64url, comma-separated; the first "
        "encrypts, all decrypt. Unset, one is made in ALTLAS_HOME (refused in production).",
    )
    access_seconds: int = env.integer(
        "ALTLAS_ACCESS_SECONDS", 600, minimum=60, maximum=3600, help="Lifetime of an access token."
    )
    access_jitter: float = env.decimal(
        "ALTLAS_ACCESS_JITTER",
        0.05,
        minimum=0.0,
        maximum=0.5,
        help="Share by which a lifetime is randomly shortened, so that tabs do not refresh in the same second.",
    )
    clock_skew: int = env.integer(
        "ALTLAS_CLOCK_SKEW", 30, minimum=0, maximum=300, help="Seconds that `iat` and `nbf` may lie in the future."
    )
    refresh_idle_seconds: int = env.integer(
        "ALTLAS_REFRESH_IDLE_SECONDS", 7 * 86_400, minimum=60, help="A session not refreshed for this long ends."
    )
    refresh_absolute_seconds: int = env.integer(
        "ALTLAS_REFRESH_ABSOLUTE_SECONDS", 30 * 86_400, minimum=60, help="A session ends this long after its login."
    )
    staff_idle_seconds: int = env.integer(
        "ALTLAS_STAFF_REFRESH_IDLE_SECONDS", 12 * 3600, minimum=60, help="As ALTLAS_REFRESH_IDLE_SECONDS, for staff."
    )
    staff_absolute_seconds: int = env.integer(
        "ALTLAS_STAFF_REFRESH_ABSOLUTE_SECONDS",
        7 * 86_400,
        minimum=60,
        help="As ALTLAS_REFRESH_ABSOLUTE_SECONDS, for staff.",
    )
    sessions_per_user: int = env.integer(
        "ALTLAS_SESSIONS_PER_USER", 20, minimum=1, help="Live sessions of one user; a further login ends the oldest."
    )
    refresh_mode: str = env.choice(
        "ALTLAS_REFRESH_MODE",
        "idempotent",
        choices=("idempotent", "reject", "strict"),
        help="Answer to a refresh token that was used a moment ago: the same successor again, 409, or the end of the "
        "session.",
    )
    grace_seconds: float = env.decimal(
        "ALTLAS_REFRESH_GRACE_SECONDS",
        10,
        minimum=0,
        maximum=60,
        help="How long a used refresh token counts as a retry, while its successor is unused.",
    )
    key_ring_seconds: float = env.seconds(
        "ALTLAS_KEY_RING_SECONDS",
        2,
        minimum=0.1,
        help="How long a process trusts its copy of the signing keys; bounds the delay of an emergency kill.",
    )
    key_active_seconds: int = env.integer(
        "ALTLAS_KEY_ACTIVE_SECONDS", 30 * 86_400, minimum=3600, help="Age at which beat replaces the signing key."
    )
    jwks_max_age: int = env.integer(
        "ALTLAS_JWKS_MAX_AGE", 300, minimum=0, maximum=86_400, help="Seconds that clients may cache the JWKS."
    )
    admin_user: str = env.text("ALTLAS_ADMIN_USER", "admin", help="Name of the first operator.")
    admin_password: str = env.secret(
        "ALTLAS_ADMIN_PASSWORD", help="Password of the first operator. Unset, a random one is printed once."
    )
    login_pair_limit: int = env.integer(
        "ALTLAS_LOGIN_PAIR_LIMIT", 5, minimum=1, help="Failed logins of one account from one network per window."
    )
    login_account_limit: int = env.integer(
        "ALTLAS_LOGIN_ACCOUNT_LIMIT",
        20,
        minimum=1,
        help="Failed logins of one account from all networks per window; networks it has logged in from are exempt, so "
        "that nobody can be locked out by strangers.",
    )
    login_network_limit: int = env.integer(
        "ALTLAS_LOGIN_NETWORK_LIMIT", 50, minimum=1, help="Failed logins from one network (/24, /64) per window."
    )
    login_window_seconds: int = env.integer(
        "ALTLAS_LOGIN_WINDOW_SECONDS", 300, minimum=1, help="Window of the login limits, and the longest soft lock."
    )
    refresh_network_limit: int = env.integer(
        "ALTLAS_REFRESH_NETWORK_LIMIT", 100, minimum=1, help="Unknown refresh tokens from one network per window."
    )
    alert_emails: tuple[str, ...] = env.csv(
        "ALTLAS_SECURITY_ALERT_EMAILS", help="Addresses that are told of serious security events."
    )
    alert_webhook: str = env.text(
        "ALTLAS_SECURITY_ALERT_WEBHOOK", help="URL that serious security events are posted to as JSON."
    )
    alert_secret: str = env.secret(
        "ALTLAS_SECURITY_ALERT_SECRET",
        help="Signs webhook bodies: `X-Altlas-Signature: t=<Unix time>,v1=<HMAC-SHA256 of time.body as hex>`.",
    )
    alert_timeout: float = env.seconds(
        "ALTLAS_SECURITY_ALERT_TIMEOUT", 5, minimum=0.1, help="Longest wait for the webhook's answer."
    )
    event_days: int = env.integer(
        "ALTLAS_SECURITY_EVENT_DAYS", 180, minimum=1, help="How long security events are kept."
    )
    trusted_proxies: tuple[str, ...] = env.csv(
        "ALTLAS_TRUSTED_PROXIES",
        help="Networks (CIDR) of proxies whose X-Forwarded-For is believed; from anyone else it is ignored.",
    )
    step_up_seconds: int = env.integer(
        "ALTLAS_STEP_UP_SECONDS", 900, minimum=30, help="How old a login may be for sensitive actions."
    )
    dpop_seconds: int = env.integer(
        "ALTLAS_DPOP_SECONDS", 60, minimum=5, maximum=300, help="How old a DPoP proof may be; each works once."
    )
    risk_medium: int = env.integer(
        "ALTLAS_RISK_MEDIUM", 50, minimum=1, help="Score of a refresh from which sensitive actions need a new login."
    )
    risk_high: int = env.integer(
        "ALTLAS_RISK_HIGH", 90, minimum=1, help="Score of a refresh from which the session is ended."
    )
    api_token_days: int = env.integer(
        "ALTLAS_API_TOKEN_DAYS", 365, minimum=1, help="Longest lifetime of an API token for scripts."
    )
    denylist_timeout: float = env.seconds(
        "ALTLAS_DENYLIST_TIMEOUT", 0.05, minimum=0.005, help="Longest wait for Redis before the database is asked."
    )
    denylist_pass_seconds: float = env.seconds(
        "ALTLAS_DENYLIST_PASS_SECONDS",
        1,
        minimum=0,
        help="How long Redis is not asked again about a token that it has let pass; the database decides all the same.",
    )
    breaker_failures: int = env.integer(
        "ALTLAS_DENYLIST_BREAKER_FAILURES", 3, minimum=1, help="Failures in a row after which Redis is left alone."
    )
    breaker_seconds: float = env.seconds(
        "ALTLAS_DENYLIST_BREAKER_SECONDS", 2, minimum=0.1, help="How long Redis is left alone before one new try."
    )


conf = Conf()
