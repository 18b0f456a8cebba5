"""Metrics of what belongs to no single service."""

from __future__ import annotations

from prometheus_client import Counter

alert_messages = Counter(
    "altlas_alert_messages_total", "Alert messages by channel and outcome.", ["channel", "outcome"]
)
