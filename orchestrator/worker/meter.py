"""From what happens on this node to its Prometheus metrics."""

from __future__ import annotations

from collections import Counter
from typing import Any

from orchestrator import metrics
from orchestrator.supervisor.runner import Loaded
from orchestrator.supervisor.spec import VersionSpec
from orchestrator.supervisor.states import CHARGED
from orchestrator.supervisor.supervisor import CacheRecord


def record(happened: CacheRecord) -> None:
    """Count one entry of the decision log."""
    match happened.kind:
        case "evict":
            victims = len(happened.decision.get("victims", ())) or 1
            metrics.EVICTIONS.labels(reason=happened.reason).inc(victims)
        case "refuse":
            metrics.REFUSALS.labels(reason=happened.reason).inc()
        case "crash":
            metrics.RESTARTS.labels(cause=happened.reason).inc()
        case "grow" | "shrink":
            metrics.SCALED.labels(model=happened.key.model, action=happened.kind).inc()
        case "recycle":
            metrics.RECYCLED.labels(reason=happened.reason).inc()
        case "fail":
            metrics.LOADS.labels(model=happened.key.model, outcome=happened.reason).inc()


def loaded(spec: VersionSpec, facts: Loaded) -> None:
    metrics.LOADS.labels(model=spec.key.model, outcome="ready").inc()
    metrics.LOAD_SECONDS.labels(model=spec.key.model).observe(facts.load_seconds + facts.warm_seconds)


def batches(model: str, passes: list[tuple[int, float]]) -> None:
    for size, _seconds in passes:
        metrics.BATCH_SIZE.labels(model=model).observe(size)


def state(node: str, report: dict[str, Any]) -> None:
    """Set the gauges from one heartbeat's report; a state that nothing is in any more goes to 0."""
    replicas = report["replicas"]
    held = Counter[str]()
    for replica in replicas:
        held[replica["state"]] += replica["bytes"]
    for name in CHARGED:
        metrics.BYTES.labels(node=node, state=name.value).set(held[name.value])
    metrics.BUDGET.labels(node=node).set(report["budget_bytes"])
    metrics.QUEUE.labels(node=node).set(sum(replica["state"] == "queued" for replica in replicas))
    metrics.WAITING.labels(node=node).set(report["waiting"])
    metrics.LEASES.labels(node=node).set(sum(replica["leases"] for replica in replicas))
    metrics.SHEDDING.labels(node=node).set(report["shedding"])
