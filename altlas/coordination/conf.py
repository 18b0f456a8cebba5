"""Settings of coordination."""

from __future__ import annotations

from dataclasses import dataclass

from altlas.kernel import env


@dataclass(kw_only=True, slots=True)
class Conf:
    url: str = env.text(
        "ALTLAS_VERIFY_URL", help="Address that verifications call; default: this machine's web process."
    )
    evidence_days: float = env.decimal(
        "ALTLAS_EVIDENCE_DAYS", 7, minimum=0.01, help="Days after which evidence counts as stale."
    )
    alive_seconds: float = env.seconds(
        "ALTLAS_VERIFY_ALIVE_SECONDS",
        20,
        minimum=1,
        help="A verification run whose worker gave no sign of life for so long has failed.",
    )
    watch_hours: float = env.decimal(
        "ALTLAS_ROLLOUT_WATCH_HOURS", 72, minimum=0, help="How long a finished rollout is watched."
    )
    error_budget: float = env.decimal(
        "ALTLAS_ERROR_BUDGET",
        0.01,
        minimum=0.0,
        maximum=1.0,
        help="Share of segmentation runs of a day that may fail before the budget counts as burnt.",
    )
    error_budget_least: int = env.integer(
        "ALTLAS_ERROR_BUDGET_LEAST", 50, minimum=1, help="Runs of a day below which the budget is not judged."
    )


conf = Conf()
