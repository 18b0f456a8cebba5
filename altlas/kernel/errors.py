"""The error tree that every app's exceptions grow from.

    AltlasError                       500  internal_error
    ├── InvalidInput                  400  invalid_input
    ├── NotAuthenticated              401  not_authenticated
    ├── PermissionDenied              403  permission_denied
    ├── NotFound                      404  not_found
    ├── Conflict                      409  conflict
    ├── PreconditionFailed            412  precondition_failed
    ├── TooLarge                      413  too_large
    ├── Unprocessable                 422  unprocessable
    ├── TooManyRequests               429  too_many_requests   (Retry-After)
    ├── Unavailable                   503  unavailable         (Retry-After)
    └── DeadlineExceeded              504  deadline_exceeded

``problems.py`` turns every one of them into RFC 9457 problem+json.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from altlas.kernel import codepoints


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldError:
    """What is wrong with one member of the request; ``pointer`` is an RFC 6901 JSON pointer into the body."""

    pointer: str
    code: str
    detail: str

    def __post_init__(self) -> None:
        # Both may quote the client, and an answer is UTF-8.
        object.__setattr__(self, "pointer", codepoints.escaped(self.pointer))
        object.__setattr__(self, "detail", codepoints.escaped(self.detail))

    def as_dict(self) -> dict[str, str]:
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail}


class AltlasError(Exception):
    """Root of the tree. ``detail`` is for the person who sent the request: what is wrong and what to do."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    default_retry_after: ClassVar[int | None] = None

    def __init__(
        self, detail: str = "", *, errors: Sequence[FieldError] = (), retry_after: float | None = None
    ) -> None:
        self.detail = codepoints.escaped(detail or self.title)
        super().__init__(self.detail)
        self.errors = tuple(errors)
        self.retry_after = self.default_retry_after if retry_after is None else retry_after


class InvalidInput(AltlasError):
    status = 400
    code = "invalid_input"
    title = "Invalid input"


class NotAuthenticated(AltlasError):
    status = 401
    code = "not_authenticated"
    title = "Authentication required"


class PermissionDenied(AltlasError):
    status = 403
    code = "permission_denied"
    title = "Permission denied"


class NotFound(AltlasError):
    status = 404
    code = "not_found"
    title = "Not found"


class Conflict(AltlasError):
    status = 409
    code = "conflict"
    title = "Conflict"


class PreconditionFailed(AltlasError):
    status = 412
    code = "precondition_failed"
    title = "Precondition failed"


class TooLarge(AltlasError):
    status = 413
    code = "too_large"
    title = "Too large"


class Unprocessable(AltlasError):
    status = 422
    code = "unprocessable"
    title = "Unprocessable"


class TooManyRequests(AltlasError):
    status = 429
    code = "too_many_requests"
    title = "Too many requests"
    default_retry_after = 1


class Unavailable(AltlasError):
    status = 503
    code = "unavailable"
    title = "Service unavailable"
    default_retry_after = 5


class DeadlineExceeded(AltlasError):
    status = 504
    code = "deadline_exceeded"
    title = "Deadline exceeded"
