"""Prometheus metrics of the memory watch, written by the node worker for all processes of its node."""

from __future__ import annotations

import os
from typing import Final

from prometheus_client import Counter, Gauge

from orchestrator.metrics import of_verification
from orchestrator.runner.shapes import LIMIT
from orchestrator.watch.readings import KINDS, TOLD, Reading
from orchestrator.watch.thresholds import Action, Level

_LABELS: Final = ["node", "kind", "name"]


def _gauge(name: str, help: str) -> Gauge:
    return Gauge(name, help, _LABELS, multiprocess_mode="livemostrecent")


MEASURES: Final = {
    "anon": _gauge("altlas_process_anonymous_bytes", "Anonymous resident memory (RssAnon)."),
    "file": _gauge("altlas_process_file_bytes", "Resident memory backed by files (RssFile and RssShmem)."),
    "uss": _gauge("altlas_process_uss_bytes", "Memory that would be free if the process ended (USS)."),
    "pss": _gauge("altlas_process_pss_bytes", "Private memory and the process's share of what is shared (PSS)."),
    "threads": _gauge("altlas_process_threads", "Threads."),
    "descriptors": _gauge("altlas_process_descriptors", "Open file descriptors."),
    "heap_in_use": _gauge("altlas_runner_heap_in_use_bytes", "Bytes that malloc has handed out."),
    "heap_free": _gauge("altlas_runner_heap_free_bytes", "Bytes that malloc holds and nobody uses."),
    "python_blocks": _gauge("altlas_runner_python_blocks", "Blocks that Python's allocator has handed out."),
    "tensors": _gauge("altlas_runner_tensors", "Tensors made since the warm-up that are alive."),
    "tensor_bytes": _gauge("altlas_runner_tensor_bytes", "Bytes of those tensors."),
    "graphs": _gauge("altlas_runner_graphs", "Those tensors that keep an autograd graph alive."),
    "modules": _gauge("altlas_runner_modules", "Torch modules made since the warm-up that are alive."),
    "shapes": _gauge("altlas_runner_shapes", f"Distinct shapes of forward passes since the start; {LIMIT} at most."),
    "shapes_left": _gauge("altlas_runner_shapes_left", "Shapes that are still to be run while nobody asks."),
}
ACTIONS: Final = Counter("altlas_memory_actions_total", "What the memory watch did.", ["action"])
ALERTS: Final = Counter("altlas_memory_alerts_total", "Thresholds crossed upwards.", ["kind", "level"])
_shown: set[tuple[str, str, str]] = set()

# Born here and not with the first event: of that, increase() would know nothing.
for _kind in (*KINDS, "node"):
    for _level in (Level.SOFT, Level.HARD):
        ALERTS.labels(_kind, _level.value)
for _action in (Action.TRIM, Action.RECYCLE):
    ACTIONS.labels(_action.value)


def publish(node: str, readings: list[Reading]) -> None:
    """Write the gauges of all but the models of verifications; a process that is gone is shown no more."""
    now = set()
    for reading in readings:
        if reading.kind == "runner" and of_verification(reading.name):
            continue
        labels = (node, reading.kind, reading.name)
        now.add(labels)
        for name, gauge in MEASURES.items():
            if name not in TOLD:
                gauge.labels(*labels).set(getattr(reading, name))
            elif name in reading.told:
                gauge.labels(*labels).set(reading.told[name])
    for labels in _shown - now:
        for gauge in MEASURES.values():
            _forget(gauge, labels)
    _shown.clear()
    _shown.update(now)


def _forget(gauge: Gauge, labels: tuple[str, str, str]) -> None:
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        # A shared metrics file loses no series; of these gauges one whose value has no time is not shown.
        gauge.labels(*labels)._value.set(0.0)
    else:
        gauge.remove(*labels)
