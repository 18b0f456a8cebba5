"""Registers the orchestrator's verifications; found by ``altlas.coordination``."""

from orchestrator.verification.budget import BUDGET
from orchestrator.verification.conflicts import CONFLICTS
from orchestrator.verification.crash import CRASH

__all__ = ["BUDGET", "CONFLICTS", "CRASH"]
