"""The lifeline: a pipe whose write end only the owner holds; when it closes, the kernel ends this process.

``PR_SET_PDEATHSIG`` watches the thread that forked, which is the fork server; runners must outlive a fork server that
dies and must not outlive their owner. Asynchronous I/O on the pipe does exactly this, without a thread, also while
the process is inside native code or stopped.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal


def tie_to(descriptor: int) -> None:
    """Arrange for SIGKILL when the last writer of the pipe ``descriptor`` is gone."""
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
    # The owner may have gone before the signal was armed.
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if poll.poll(0):
        os._exit(0)
