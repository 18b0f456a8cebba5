"""Reading one's own Prometheus counters, of all processes of this machine."""

from __future__ import annotations

import os

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from altlas.kernel.clock import monotonic

Samples = dict[str, dict[tuple[str, ...], float]]
# Reading the files of all processes takes milliseconds each; a page asks for several names at once.
_REMEMBERED_SECONDS = 1.0
_remembered: tuple[float, Samples] = (-_REMEMBERED_SECONDS, {})


def totals(*names: str) -> Samples:
    """Return the samples called ``names``, by their label values in the order of the label names."""
    global _remembered
    moment = monotonic()
    if moment - _remembered[0] >= _REMEMBERED_SECONDS:
        _remembered = (moment, _collected())
    return {name: _remembered[1].get(name, {}) for name in names}


def _collected() -> Samples:
    found: Samples = {}
    for family in _registry().collect():
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            values = found.setdefault(sample.name, {})
            values[labels] = values.get(labels, 0.0) + sample.value
    return found


def _registry() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
