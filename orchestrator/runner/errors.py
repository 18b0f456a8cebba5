"""What a runner answers when it cannot do what was asked; codes are those of ``orchestrator.exceptions``."""

from __future__ import annotations

from typing import Final

# Between a runner and its node:
STARVED: Final = "starved"  # begin the load anew, with a share of the processors
VARIANT_UNUSABLE: Final = "variant_unusable"  # the version is good, and this node is to do without its compiled variant


class RunnerError(Exception):
    """``permanent``: the same load would fail again."""

    def __init__(self, code: str, detail: str, *, permanent: bool = False) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.permanent = permanent
