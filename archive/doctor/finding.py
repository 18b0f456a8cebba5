from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    HINT = "hint"
    WARNING = "warning"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """``advice`` says what to do; empty when there is nothing to do."""

    level: Level
    area: str
    subject: str
    detail: str
    advice: str = ""
