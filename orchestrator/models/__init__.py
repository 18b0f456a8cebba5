from __future__ import annotations

from orchestrator.models.catalogue import Alias, Model, ModelVersion, Runtime, Task, VersionPolicy, VersionStatus
from orchestrator.models.events import CacheEvent, EventKind
from orchestrator.models.jobs import JobStatus, LoadJob
from orchestrator.models.memory import MemorySample
from orchestrator.models.nodes import Node

__all__ = [
    "Alias",
    "CacheEvent",
    "EventKind",
    "JobStatus",
    "LoadJob",
    "MemorySample",
    "Model",
    "ModelVersion",
    "Node",
    "Runtime",
    "Task",
    "VersionPolicy",
    "VersionStatus",
]
