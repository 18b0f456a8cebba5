"""Writes of coordination: one function per verb, keyword-only, its own transaction, the journal inside it."""

from altlas.coordination.services.daily import daily_run
from altlas.coordination.services.items import (
    evidence_record,
    item_comment,
    item_override,
    item_plan,
    item_reopen,
    junit_record,
)
from altlas.coordination.services.risks import (
    decision_record,
    risk_change,
    risk_open,
    risk_resolve,
    risks_reconcile,
)
from altlas.coordination.services.rollouts import (
    rollout_create,
    rollout_move,
    rollout_roll_back,
    rollouts_watch,
    step_finish,
    step_roll_back,
    step_start,
)
from altlas.coordination.services.runs import run_cancel, runs_queue, runs_tend

__all__ = [
    "daily_run",
    "decision_record",
    "evidence_record",
    "item_comment",
    "item_override",
    "item_plan",
    "item_reopen",
    "junit_record",
    "risk_change",
    "risk_open",
    "risk_resolve",
    "risks_reconcile",
    "rollout_create",
    "rollout_move",
    "rollout_roll_back",
    "rollouts_watch",
    "run_cancel",
    "runs_queue",
    "runs_tend",
    "step_finish",
    "step_roll_back",
    "step_start",
]
