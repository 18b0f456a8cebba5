"""What log lines say about who and what is being served: members bound for the length of a request or task."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MEMBERS = ("user", "task", "model")
_current: ContextVar[dict[str, str] | None] = ContextVar("altlas_log_context", default=None)


@contextmanager
def scope() -> Iterator[None]:
    """Begin with nothing noted; what is noted inside is forgotten afterwards."""
    token = _current.set({})
    try:
        yield
    finally:
        _current.reset(token)


def note(**members: object) -> None:
    """Add members (of ``MEMBERS``) to the lines logged from here on; without effect outside of a scope."""
    noted = _current.get()
    if noted is not None:
        noted.update({name: str(value)[:200] for name, value in members.items()})


class ContextFilter(logging.Filter):
    """Gives every log record the attributes of ``MEMBERS``; empty when not known."""

    def filter(self, record: logging.LogRecord) -> bool:
        noted = _current.get() or {}
        for name in MEMBERS:
            setattr(record, name, noted.get(name, ""))
        return True
