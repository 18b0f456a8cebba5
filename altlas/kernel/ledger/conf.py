"""Settings of the ledger and of the console's samples."""

from __future__ import annotations

from dataclasses import dataclass

from altlas.kernel import env


@dataclass(kw_only=True, slots=True)
class Conf:
    enabled: bool = env.flag("ALTLAS_TASK_LEDGER", True, help="Keep a row for every background task.")
    hours: float = env.decimal(
        "ALTLAS_TASK_LEDGER_HOURS", 24, minimum=0.1, help="How long tasks that succeeded stay in the ledger."
    )
    failed_days: float = env.decimal(
        "ALTLAS_TASK_LEDGER_FAILED_DAYS", 14, minimum=0.1, help="How long all other tasks stay in the ledger."
    )
    rows: int = env.integer(
        "ALTLAS_TASK_LEDGER_ROWS", 200_000, minimum=100, help="Rows that the ledger has at most; the oldest go first."
    )
    sample_days: float = env.decimal(
        "ALTLAS_SAMPLE_DAYS", 8, minimum=0.1, help="How long the figures behind the console's trends are kept."
    )
    slow_query_ms: int = env.integer(
        "ALTLAS_SLOW_QUERY_MS", 500, minimum=0, help="Statements slower than this are counted and shown; 0: none."
    )


conf = Conf()
