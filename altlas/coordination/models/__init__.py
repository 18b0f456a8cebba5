from altlas.coordination.models.daily import DailySummary, Subscription
from altlas.coordination.models.item import Comment, Evidence, Fault, WorkItem
from altlas.coordination.models.journal import Decision, JournalEntry
from altlas.coordination.models.risk import Risk, Severity
from altlas.coordination.models.rollout import Rollout, RolloutStep
from altlas.coordination.models.run import Trigger, VerificationRun

__all__ = [
    "Comment",
    "DailySummary",
    "Decision",
    "Evidence",
    "Fault",
    "JournalEntry",
    "Risk",
    "Rollout",
    "RolloutStep",
    "Severity",
    "Subscription",
    "Trigger",
    "VerificationRun",
    "WorkItem",
]
