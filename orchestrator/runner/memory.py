"""What this process holds, from the kernel's books."""

from __future__ import annotations

import resource
from pathlib import Path

# The exit status of a runner that went over its memory limit.
MEMORY_STATUS = 77


def limit_data(more: int) -> None:
    """Refuse this process ``more`` bytes of private memory than it has now; 0 sets no limit."""
    if more <= 0:
        return
    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = _status("VmData") + more
    if hard == resource.RLIM_INFINITY or bound < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (bound, hard))


def is_exhaustion(exc: BaseException) -> bool:
    """Whether ``exc`` says that an allocation was refused; torch raises it as a plain RuntimeError."""
    return isinstance(exc, MemoryError) or "allocate memory" in str(exc)


def mapped_bytes(folder: Path | None) -> int:
    """Return the resident bytes of files below ``folder`` that are mapped into this process."""
    if folder is None:
        return 0
    total, inside = 0, False
    prefix = str(folder)
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if line[:1] in "0123456789abcdef" and "-" in line.split(" ", 1)[0]:
            inside = prefix in line
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0
