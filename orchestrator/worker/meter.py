"""From what happens on this node to its Prometheus metrics."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from orchestrator import metrics
from orchestrator.supervisor.pools import GROW, SHRINK
from orchestrator.supervisor.runner import Loaded
from orchestrator.supervisor.spec import VersionSpec
from orchestrator.supervisor.states import CHARGED
from orchestrator.supervisor.supervisor import CacheRecord


def record(happened: CacheRecord) -> None:
    """Count one entry of the decision log."""
    match happened.kind:
        case "evict":
            metrics.EVICTIONS.labels(reason=happened.reason).inc()
        case "refuse":
            metrics.REFUSALS.labels(reason=happened.reason).inc()
        case "crash":
            metrics.RESTARTS.labels(model=metrics.model_label(happened.key.model), cause=happened.reason).inc()
        case "shrink":
            metrics.SCALED.labels(model=metrics.model_label(happened.key.model), action=SHRINK).inc()
        case "ready":  # what was begun to grow a pool or to replace a process may have found no room
            purpose = happened.inputs.get("purpose")
            if purpose == GROW:
                metrics.SCALED.labels(model=metrics.model_label(happened.key.model), action=GROW).inc()
            elif purpose:
                metrics.RECYCLED.labels(reason=purpose).inc()
        case "fail":
            metrics.LOADS.labels(model=metrics.model_label(happened.key.model), outcome=happened.reason).inc()


def loaded(spec: VersionSpec, facts: Loaded) -> None:
    metrics.LOADS.labels(model=metrics.model_label(spec.key.model), outcome="ready").inc()
    metrics.LOAD_SECONDS.labels(model=metrics.model_label(spec.key.model)).observe(
        facts.load_seconds + facts.warm_seconds
    )


def hit(model: str) -> None:
    metrics.HITS.labels(model=metrics.model_label(model)).inc()


def missed(model: str, waited: float) -> None:
    metrics.MISSES.labels(model=metrics.model_label(model)).inc()
    metrics.WAIT_SECONDS.labels(model=metrics.model_label(model)).observe(waited)


def answered(model: str, seconds: float) -> None:
    metrics.INFER_SECONDS.labels(model=metrics.model_label(model)).observe(seconds)


def failed(model: str, code: str) -> None:
    metrics.FAILURES.labels(model=metrics.model_label(model), code=code).inc()


# Noted by whoever reads a runner's answers, which others wait for; counted with the next heartbeat.
_passes: deque[tuple[str, int]] = deque(maxlen=100_000)


def batches(model: str, passes: list[tuple[int, float]]) -> None:
    _passes.extend((model, size) for size, _seconds in passes)


def _count_batches() -> None:
    while _passes:
        model, size = _passes.popleft()
        metrics.BATCH_SIZE.labels(model=metrics.model_label(model)).observe(size)


def state(node: str, report: dict[str, Any]) -> None:
    """Count what was noted since the last heartbeat, and set the gauges from this one's report; a state that nothing is
    in any more goes to 0."""
    _count_batches()
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
