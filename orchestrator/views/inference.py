"""Inference for every HTTP door: the catalogue's word on the task, the call, and the counts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from altlas.kernel.errors import AltlasError
from orchestrator import services, statistics


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
    """As ``services.infer``, counted. ``task`` None is whatever the model does."""
    begun = time.monotonic()
    try:
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
    except AltlasError:
        statistics.failed(model, version, seconds=time.monotonic() - begun)
        raise
