"""``command``: a command as ordered tasks and the graph between them."""

from __future__ import annotations

from typing import Any

from segmentation.algorithms.command.graph import Edge
from segmentation.algorithms.command.parse import Task, parse_command
from segmentation.strategies.contract import Encoder, Job, Outcome, Watch


def run(job: Job, encoder: Encoder, watch: Watch) -> Outcome:
    with watch.measure("tasks"):
        plan = parse_command(job.text, job.language)
    tasks = [_task(number, task, job.text) for number, task in enumerate(plan.tasks)]
    edges = [_edge(edge, job.text) for edge in plan.edges]
    return Outcome(
        spans=plan.spans,
        details=[{"task": owner} for owner in plan.owners],
        extra={"tasks": tasks, "edges": edges},
    )


def _task(number: int, task: Task, text: str) -> dict[str, Any]:
    return {
        "index": number,
        "role": task.role.value,
        "kind": task.kind.value,
        "spans": [list(piece) for piece in task.pieces],
        "text": " … ".join(text[start:end] for start, end in task.pieces),
        "normalised": task.normal,
        "confidence": task.confidence,
    }


def _edge(edge: Edge, text: str) -> dict[str, Any]:
    return {
        "source": edge.source,
        "target": edge.target,
        "type": edge.type.value,
        "negated": edge.negated,
        "evidence": list(edge.evidence) if edge.evidence else None,
        "evidence_text": text[slice(*edge.evidence)] if edge.evidence else "",
        "confidence": round(edge.confidence, 4),
    }
