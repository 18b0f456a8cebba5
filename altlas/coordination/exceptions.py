"""Errors of coordination.

InvalidInput              400
├── ReasonMissing         400  reason_missing          an override, a resolution or a decision without a reason
RunNotFound               404  run_not_found
ItemNotFound              404  item_not_found
ChangeNotAllowed          409  change_not_allowed      the row is in a state that does not go there
GateClosed                409  gate_closed             a step's verifications are not green
"""

from __future__ import annotations

from altlas.kernel import errors


class ReasonMissing(errors.InvalidInput):
    code = "reason_missing"
    title = "Reason missing"


class RunNotFound(errors.NotFound):
    code = "run_not_found"
    title = "Verification run not found"


class ItemNotFound(errors.NotFound):
    code = "item_not_found"
    title = "Work item not found"


class ChangeNotAllowed(errors.Conflict):
    code = "change_not_allowed"
    title = "Change not allowed"


class GateClosed(errors.Conflict):
    code = "gate_closed"
    title = "Gate closed"
