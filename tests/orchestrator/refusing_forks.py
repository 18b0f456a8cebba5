"""Preloaded by a fork server under test: no process can be forked while the file ``$NO_FORKS`` exists."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_fork = os.fork


def _refuse_or_fork() -> int:
    if Path(os.environ["NO_FORKS"]).exists():
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return _fork()


os.fork = _refuse_or_fork
