"""How values are shown in the admin."""

from __future__ import annotations

from orchestrator.models import VersionStatus

STATUS_LABELS = {
    VersionStatus.AVAILABLE: "success",
    VersionStatus.REGISTERED: "info",
    VersionStatus.FAILED: "danger",
    VersionStatus.RETIRED: "warning",
}


def megabytes(value: int | None) -> str:
    return "–" if value is None else f"{value / 2**20:,.1f} MB"
