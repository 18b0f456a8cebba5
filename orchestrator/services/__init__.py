"""What other apps may call: one function per verb, keyword-only."""

from __future__ import annotations

from orchestrator.services.aliases import alias_remove, alias_set
from orchestrator.services.catalogue import default_register
from orchestrator.services.infer import FloatArray, InferenceResult, infer, lease
from orchestrator.services.jobs import job_cancel, job_request
from orchestrator.services.nodes import node_drain, node_resume
from orchestrator.services.operate import (
    model_cancel,
    model_census,
    model_load,
    model_pin,
    model_recycle,
    model_unload,
)
from orchestrator.services.rollout import model_change, policy_apply, version_load, version_promote, version_retire
from orchestrator.services.variants import model_register, runtime_set, variant_export, variant_request
from orchestrator.worker.node import stopping as node_stopping

__all__ = [
    "FloatArray",
    "InferenceResult",
    "alias_remove",
    "alias_set",
    "default_register",
    "infer",
    "job_cancel",
    "job_request",
    "lease",
    "model_cancel",
    "model_census",
    "model_change",
    "model_load",
    "model_pin",
    "model_recycle",
    "model_register",
    "model_unload",
    "node_drain",
    "node_resume",
    "node_stopping",
    "policy_apply",
    "runtime_set",
    "variant_export",
    "variant_request",
    "version_load",
    "version_promote",
    "version_retire",
]
