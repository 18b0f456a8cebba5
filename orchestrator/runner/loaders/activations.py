"""Softmax and sigmoid over numpy arrays."""

from __future__ import annotations

import numpy as np

from orchestrator.runner.loaders.bodies import Array


def softmax(logits: Array) -> Array:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    found: Array = shifted / shifted.sum(axis=-1, keepdims=True)
    return found


def sigmoid(logits: Array) -> Array:
    found: Array = 1.0 / (1.0 + np.exp(-logits))
    return found
