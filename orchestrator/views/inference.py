"""Inference for every HTTP door: counted, and for whatever the model does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator import services


def infer(
    *,
    model: str,
    version: str | None,
    inputs: Sequence[Any],
    task: str | None = None,
    params: Mapping[str, Any] | None = None,
    seconds: float | None = None,
    urgent: bool = False,
) -> services.InferenceResult:
    """As ``services.infer``, counted by the node. ``task`` None is whatever the model does."""
    return services.infer(
        model=model,
        version=version,
        inputs=inputs,
        task=task,
        params=params,
        deadline=seconds,
        urgent=urgent,
        counted=True,
    )
