"""What other apps may call: one function per verb, keyword-only."""

from __future__ import annotations

from orchestrator.services.catalogue import default_register, model_register
from orchestrator.services.infer import InferenceResult, infer, lease
from orchestrator.services.operate import model_load, model_unload

__all__ = ["InferenceResult", "default_register", "infer", "lease", "model_load", "model_register", "model_unload"]
