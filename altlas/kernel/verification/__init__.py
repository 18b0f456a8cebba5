"""What a verification is: a check that an app offers and that runs against the live deployment.

An app registers its verifications in a module ``verifications``; ``altlas.coordination`` finds, runs and stores them.
"""

from altlas.kernel.verification.contract import (
    Account,
    Cancelled,
    Inconclusive,
    Load,
    Outcome,
    Overdue,
    Probe,
    Series,
    Threshold,
    Verification,
)
from altlas.kernel.verification.registry import get, register, registered

__all__ = [
    "Account",
    "Cancelled",
    "Inconclusive",
    "Load",
    "Outcome",
    "Overdue",
    "Probe",
    "Series",
    "Threshold",
    "Verification",
    "get",
    "register",
    "registered",
]
