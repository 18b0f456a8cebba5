"""A stored problem as the error that it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from altlas.kernel.errors import AltlasError, FieldError


def raised(problem: Mapping[str, Any]) -> AltlasError:
    """Return the error that was kept as ``problem``, with its status and code."""
    status = int(problem.get("status", 500))
    members = {"status": status, "code": problem.get("code", "internal_error"), "title": problem.get("title", "Error")}
    kind: type[AltlasError] = type("StoredError", (AltlasError,), members)
    errors = [FieldError(**error) for error in problem.get("errors", ())]
    return kind(problem.get("detail", ""), errors=errors, retry_after=5 if status == 503 else None)
