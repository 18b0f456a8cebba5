"""Metrics of what belongs to no single service."""

from __future__ import annotations

from prometheus_client import Counter

alert_messages = Counter(
    "altlas_alert_messages_total", "Alert messages by channel and outcome.", ["channel", "outcome"]
)
for _channel in ("email", "webhook"):
    for _outcome in ("sent", "failed"):
        alert_messages.labels(_channel, _outcome)  # born before the first: of that, increase() would know nothing
slow_queries = Counter("altlas_slow_queries_total", "Database statements above ALTLAS_SLOW_QUERY_MS.")
ledger_lost = Counter("altlas_ledger_lost_total", "Notes on background tasks that could not be written.")
