"""Log lines: as text or as one JSON object per line; secrets are taken out of both."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from altlas.kernel.log_context import MEMBERS
from altlas.kernel.redaction import redact

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id", *MEMBERS}


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object; ``extra=`` members become members of it."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": redact(record.getMessage()),
        }
        entry.update((name, getattr(record, name)) for name in MEMBERS if getattr(record, name, ""))
        entry.update(
            (key, redact(value) if isinstance(value, str) else value)
            for key, value in vars(record).items()
            if key not in _STANDARD
        )
        if record.exc_info:
            entry["exception"] = redact(self.formatException(record.exc_info))
        # JSON escapes control characters, so a forged line break in a logged value cannot start a new line.
        return json.dumps(entry, ensure_ascii=False, default=lambda value: redact(str(value)))
