"""Reading one's own Prometheus counters, of all processes of this machine."""

from __future__ import annotations

import os

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector


def totals(*names: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the samples called ``names``, by their label values in the order of the label names."""
    found: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in names}
    for family in _registry().collect():
        for sample in family.samples:
            if sample.name in found:
                labels = tuple(value for _, value in sorted(sample.labels.items()))
                found[sample.name][labels] = found[sample.name].get(labels, 0.0) + sample.value
    return found


def _registry() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
