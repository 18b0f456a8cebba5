"""A progress bar for a person at a terminal; elsewhere a line at the end."""

from __future__ import annotations

from time import monotonic
from typing import TextIO

_WIDTH = 30
_EVERY = 0.1


class Progress:
    """``total`` None where the end is not known."""

    def __init__(self, out: TextIO, *, total: int | None, noun: str) -> None:
        self._out, self._total, self._noun = out, total, noun
        self._begun = monotonic()
        self._shown = 0.0
        self.done = 0

    def add(self, count: int) -> None:
        self.done += count
        if self._out.isatty() and monotonic() - self._shown >= _EVERY:
            self._shown = monotonic()
            self._out.write(f"\r{self._bar()}{self._told()}\x1b[K")
            self._out.flush()

    def finish(self) -> None:
        self._out.write(f"{chr(13) if self._out.isatty() else ''}{self._told()}\n")

    def _told(self) -> str:
        seconds = max(monotonic() - self._begun, 1e-9)
        return f"{self.done:,} {self._noun}, {self.done / seconds:,.0f} a second"

    def _bar(self) -> str:
        if not self._total:
            return ""
        share = min(1.0, self.done / self._total)
        filled = int(_WIDTH * share)
        return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {share:4.0%} "
