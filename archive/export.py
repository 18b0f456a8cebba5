"""Streaming records out: PostgreSQL writes the lines (COPY), this process only passes them on in blocks.

A stream holds a connection for as long as its client reads. So exports do not take part in the pool of requests: each
opens a connection of its own, and only a few may run in one process.
"""

# ruff: noqa: S608  # names come from fixed lists; values are parameters

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from enum import StrEnum
from types import TracebackType
from typing import Any

import psycopg
from django.db import connection

from altlas.kernel.errors import Unavailable
from archive.conf import conf
from archive.filters import RecordFilters
from archive.metrics import EXPORTED_BYTES

_BLOCK = 64 * 1024
_CANCEL = 2.0  # seconds that the database may take to hear that a stream is over
_COLUMNS = (
    "id, owner_id, kind, status, title, {tags} AS tags, language, success_rate, source_run_id, on_hold, version, "
    "created_at, updated_at, deleted_at, text, payload"
)
# JSON escapes control characters, so with these as quote and delimiter COPY passes each line on as it is.
_RAW = r"FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02'"


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"


CONTENT_TYPES = {Format.NDJSON: "application/x-ndjson", Format.CSV: "text/csv; charset=utf-8"}


class Slots:
    """How many exports may run in this process at once."""

    def __init__(self) -> None:
        self._running = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            if self._running >= conf.exports:
                raise Unavailable("Enough exports are running already; try again shortly.", retry_after=10)
            self._running += 1

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._lock:
            self._running -= 1


SLOTS = Slots()


class Export:
    """An iterator of blocks that gives its connection back when it ends, fails or is closed unread."""

    def __init__(self, filters: RecordFilters, form: Format) -> None:
        self._stack = ExitStack()
        try:
            self._stack.enter_context(SLOTS)
            self._blocks = self._open(filters, form)
        except BaseException:
            self._stack.close()
            raise

    def __iter__(self) -> Export:
        return self

    def __next__(self) -> bytes:
        try:
            block = next(self._blocks)
        except BaseException:
            self.close()
            raise
        EXPORTED_BYTES.inc(len(block))
        return block

    def close(self) -> None:
        self._stack.close()

    def _open(self, filters: RecordFilters, form: Format) -> Iterator[bytes]:
        own = _connection()
        self._stack.callback(_end, own)
        cursor = self._stack.enter_context(own.cursor())
        cursor.execute(f"SET statement_timeout = {int(conf.export_timeout * 1000)}".encode())
        copy = self._stack.enter_context(cursor.copy(*_statement(own, filters, form)))
        return _blocks(copy)


def _connection() -> Any:
    options: dict[str, Any] = dict(connection.get_connection_params())
    options["application_name"] = "altlas export"
    # Unlike the requests' cursors, a plain one can COPY with the parameters composed in.
    options.pop("cursor_factory", None)
    return psycopg.connect(**options, cursor_factory=psycopg.ClientCursor, autocommit=True)


def _end(own: Any) -> None:
    """Close the connection, whatever it was doing; a COPY that nobody reads on is ended in the database first."""
    # As a context manager it would commit before it closes, which fails in the middle of a COPY and leaves it open.
    try:
        if own.info.transaction_status is psycopg.pq.TransactionStatus.ACTIVE:
            with suppress(psycopg.Error):
                own.cancel_safe(timeout=_CANCEL)
    finally:
        own.close()


def _statement(own: Any, filters: RecordFilters, form: Format) -> tuple[str, list[Any]]:
    where, parameters = filters.clause()
    tags = "tags" if form is Format.NDJSON else "array_to_json(tags)"
    select = f"SELECT {_COLUMNS.format(tags=tags)} FROM archive_record WHERE {where} ORDER BY id"
    if form is Format.NDJSON:
        return f"COPY (SELECT row_to_json(line) FROM ({select}) AS line) TO STDOUT WITH ({_RAW})", parameters
    return f"COPY ({select}) TO STDOUT WITH (FORMAT csv, HEADER)", parameters


def _blocks(copy: Any) -> Iterator[bytes]:
    gathered: list[bytes] = []
    size = 0
    for line in copy:
        gathered.append(bytes(line))
        size += len(line)
        if size >= _BLOCK:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)
