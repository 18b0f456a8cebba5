"""Rows that belong to no single service: alerts and how they were told."""

from altlas.kernel.models.alerts import Alert, AlertDelivery, AlertRule, AlertSilence

__all__ = ["Alert", "AlertDelivery", "AlertRule", "AlertSilence"]
