"""Rows that belong to no single service: alerts and how they were told, background tasks, figures over time."""

from altlas.kernel.models.alerts import Alert, AlertDelivery, AlertRule, AlertSilence
from altlas.kernel.models.work import Preference, Sample, TaskRecord

__all__ = ["Alert", "AlertDelivery", "AlertRule", "AlertSilence", "Preference", "Sample", "TaskRecord"]
