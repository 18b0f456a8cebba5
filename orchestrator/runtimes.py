"""Which runtime a node uses for a version: pure, from what the row knows about the node's variants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Tasks whose models are not compiled: one has no weights, one keeps states between steps that a variant has not.
UNCOMPILED: Final = frozenset({"echo", "text-generation"})
# A compiled variant must be faster by this much to be worth its private copy of the weights.
WORTH: Final = 0.95


def choose(*, wanted: str, variants: Mapping[str, Mapping[str, Any]], node: str) -> str:
    """Return ``torch``, ``onnx`` or ``onnx-int8``.

    ``auto`` never chooses int8: a loss is taken by explicit choice only. What this node has not is torch.
    """
    if wanted == "auto":
        found = variants.get("onnx", {}).get(node)
        fast = found is not None and found["accepted"] and found["variant_ms"] < WORTH * found["torch_ms"]
        return "onnx" if fast else "torch"
    there = variants.get(wanted, {}).get(node)
    return wanted if there is not None and there["accepted"] else "torch"
