"""The standard rollout: the four fixes in the order of their dependencies, each behind its verifications."""

from __future__ import annotations

from typing import NamedTuple


class Step(NamedTuple):
    title: str
    instruction: str
    rollback: str
    gates: tuple[str, ...]


STEPS: tuple[Step, ...] = (
    Step(
        title="API-089 tokens",
        instruction="Deploy the gateway with its migrations; let the new signing key publish before it signs. "
        "Clients keep their sessions; tokens of the old kind are refused and refreshed.",
        rollback="Deploy the earlier release; run `manage.py migrate authgateway` back to the migration it knows. "
        "Sessions opened since then end: `manage.py authgateway revoke --everybody`.",
        gates=("authgateway.audit", "authgateway.attacks", "authgateway.races"),
    ),
    Step(
        title="ARC-037 archive",
        instruction="Deploy the archive with its migrations (indexes are built without blocking writers), then let "
        "beat refresh the statistics once.",
        rollback="Set ALTLAS_ARCHIVE_CACHE=0 when the cache is at fault; else deploy the earlier release. The indexes "
        "may stay: they slow nothing down that was fast before.",
        gates=("archive.plans", "archive.latency", "archive.walks", "archive.cache", "archive.timeouts"),
    ),
    Step(
        title="AI-023 models",
        instruction="Deploy one node first and drain the others one by one; each is restarted when its requests are "
        "done.",
        rollback="Drain the node and start the earlier release on it; the catalogue keeps its versions and aliases.",
        gates=("orchestrator.conflicts", "orchestrator.budget", "orchestrator.crash"),
    ),
    Step(
        title="SEG-042 memory",
        instruction="Deploy segmentation to all nodes and keep the memory thresholds at their defaults.",
        rollback="Deploy the earlier release to the nodes, one after the other, draining each first.",
        gates=("segmentation.memory", "segmentation.soak"),
    ),
)
