"""What the supervisor needs to know about a model version; made from catalogue rows by ``orchestrator.services``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from orchestrator.manifest import Entry


class Key(NamedTuple):
    """One version of one model: what single flight, eviction and failures are about."""

    model: str
    version: str

    def __str__(self) -> str:
        return f"{self.model}:{self.version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionSpec:
    """A loadable version. ``expected_bytes`` is the measured size when there is one, else the estimate, which is kept
    as ``estimated_bytes`` (0: none): a process that once grew large shall not bar those after it for good."""

    key: Key
    task: str
    folder: Path | None
    expected_bytes: int
    manifest: Mapping[str, Entry] = field(default_factory=dict)
    estimated_bytes: int = 0
    weights_bytes: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    pinned: bool = False
    max_replicas: int = 1
    runtime: str = "torch"
    variant: Path | None = None  # folder of the compiled variant, when the runtime is not torch
    variant_manifest: Mapping[str, Entry] = field(default_factory=dict)
