"""What other apps may call: one function per verb, keyword-only."""

from __future__ import annotations

from orchestrator.services.aliases import alias_set
from orchestrator.services.catalogue import default_register, model_change, model_register
from orchestrator.services.infer import FloatArray, InferenceResult, infer, lease
from orchestrator.services.operate import model_load, model_pin, model_unload

__all__ = [
    "FloatArray",
    "InferenceResult",
    "alias_set",
    "default_register",
    "infer",
    "lease",
    "model_change",
    "model_load",
    "model_pin",
    "model_register",
    "model_unload",
]
