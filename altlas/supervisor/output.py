"""Lines of several processes on one screen, each with its origin in front."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field

_LONGEST_LINE = 16_384


@dataclass(kw_only=True)
class LineOutput:
    """Collects bytes by origin and writes whole lines as ``origin | line``."""

    width: int
    stream: object = field(default_factory=lambda: sys.stdout)
    _pending: dict[str, bytes] = field(default_factory=dict)

    def read(self, origin: str, descriptor: int) -> bool:
        """Take what is there; False when the other end is closed."""
        try:
            chunk = os.read(descriptor, 65_536)
        except BlockingIOError:
            return True
        if not chunk:
            self.flush(origin)
            return False
        *lines, rest = (self._pending.get(origin, b"") + chunk).split(b"\n")
        for line in lines:
            self.line(origin, line.decode(errors="replace"))
        # A program that never ends its line must not make this process grow.
        if len(rest) > _LONGEST_LINE:
            self.line(origin, rest.decode(errors="replace"))
            rest = b""
        self._pending[origin] = rest
        return True

    def flush(self, origin: str) -> None:
        if rest := self._pending.pop(origin, b""):
            self.line(origin, rest.decode(errors="replace"))

    def line(self, origin: str, text: str) -> None:
        try:
            print(f"{origin:<{self.width}} | {text.rstrip()}", file=self.stream, flush=True)  # type: ignore[call-overload]
        except BrokenPipeError:
            # Whoever read our output is gone; the processes matter more than their log.
            self.stream = open(os.devnull, "w")  # noqa: PTH123, SIM115
