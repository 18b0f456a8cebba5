"""The node that this process is, if it is one."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.supervisor.supervisor import Supervisor


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeWorker:
    name: str
    supervisor: Supervisor


_current: NodeWorker | None = None


def current() -> NodeWorker | None:
    """Return this process's node; None in web, beat and commands."""
    return _current


def become(node: NodeWorker | None) -> None:
    global _current
    _current = node
