"""What a runner answers when it cannot do what was asked; codes are those of ``orchestrator.exceptions``."""

from __future__ import annotations

from typing import Final

STARVED: Final = "starved"  # between a runner and its node: begin the load anew, with a share of the processors


class RunnerError(Exception):
    """``permanent``: the same load would fail again."""

    def __init__(self, code: str, detail: str, *, permanent: bool = False) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.permanent = permanent
