"""What Prometheus sees of the auth gateway."""

from __future__ import annotations

from prometheus_client import Counter

logins = Counter("altlas_auth_logins_total", "Logins by outcome.", ["outcome"])
rotations = Counter("altlas_auth_refreshes_total", "Uses of refresh tokens by outcome.", ["outcome"])
refusals = Counter("altlas_auth_access_refusals_total", "Refused access tokens by reason.", ["reason"])
events = Counter("altlas_auth_security_events_total", "Security events by kind and severity.", ["kind", "severity"])
denylist_degraded = Counter(
    "altlas_auth_denylist_degraded_total", "Requests decided by the database because Redis did not answer."
)
denylist_rehydrated = Counter(
    "altlas_auth_denylist_rehydrations_total", "Times an emptied denylist in Redis was loaded from the database."
)
alerts = Counter("altlas_auth_alerts_total", "Serious events told to operators, by outcome.", ["outcome"])

# Born here and not with the first event: of that, Prometheus' increase() would know nothing. These are critical.
for _kind in (
    "refresh_reuse", "stale_lineage", "grace_device_mismatch", "device_mismatch", "risk_high", "alg_confusion",
    "header_key_injection", "retired_kid", "dpop_downgrade", "dpop_other_key",
):  # fmt: skip
    events.labels(_kind, "high")
for _outcome in ("sent", "failed"):
    alerts.labels(_outcome)
