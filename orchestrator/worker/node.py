"""The node that this process is, if it is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.supervisor.supervisor import Supervisor


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeWorker:
    name: str
    supervisor: Supervisor


_current: NodeWorker | None = None
_draining = False
_stopping = False
_on_drain: Callable[[bool], None] | None = None


def current() -> NodeWorker | None:
    """Return this process's node; None in web, beat and commands."""
    return _current


def become(node: NodeWorker | None, *, on_drain: Callable[[bool], None] | None = None) -> None:
    """Say what this process is; ``on_drain`` is told when it leaves service and when it is back."""
    global _current, _draining, _stopping, _on_drain
    _current, _draining, _stopping, _on_drain = node, False, False, on_drain


def draining() -> bool:
    return _draining


def set_draining(value: bool) -> None:
    """Leave service, or come back; telling it twice does no harm."""
    global _draining
    if value != _draining:
        _draining = value
        if _on_drain is not None:
            _on_drain(value)


def stopping() -> bool:
    """Return whether this node finishes what it has in hand and takes nothing new."""
    return _stopping


def begin_stopping() -> None:
    global _stopping
    _stopping = True
