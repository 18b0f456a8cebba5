"""The fork server: imports what every model needs once, then forks runners on request.

    python -m orchestrator.runner.forkserver FD PRELOAD

``FD`` is one end of a SOCK_SEQPACKET pair. In: ``{"op": "spawn", "id", "name"}`` with two descriptors, the runner's
socket and its lifeline. Out: ``ready``, ``spawned`` (id, pid) or ``failed`` (id, detail), ``exited`` (pid, status as by
``waitpid``). It ends when the pair closes (a parent-death signal would watch the thread that started the server).
multiprocessing's own fork server is not used: it imports the parent's ``__main__`` (here: Celery, then Django) in every
child, and starts a tracker process.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
from typing import Any, NoReturn

import msgpack

from orchestrator.runner.lifeline import tie_to
from orchestrator.runner.memory import trim, unmap_unused
from orchestrator.runner.process import run
from orchestrator.runner.rehearsal import rehearse

_PR_SET_NAME = 15
_MESSAGE = 65536


def main(control: socket.socket, preload: str) -> None:
    if preload:
        importlib.import_module(preload)
        rehearse()
    trim()
    unmap_unused()
    gc.freeze()  # the collector would write to every shared page
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # ends with its owner, not with the owner's process group
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    _tell(control, op="ready", pid=os.getpid())
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if woken in ready:
                os.read(woken, 4096)
                _reap(control)
            if control in ready and not _serve(control, (woken, wake, selector.fileno())):
                return


def _serve(control: socket.socket, ours: tuple[int, ...]) -> bool:
    data, descriptors, _flags, _address = socket.recv_fds(control, _MESSAGE, 2)
    if not data:
        return False
    request: dict[str, Any] = msgpack.unpackb(data)
    answer: dict[str, Any]
    try:
        pid = os.fork()
    except OSError as exc:  # no memory or no process is left for this one; the next one may find some
        answer = {"op": "failed", "detail": f"No process could be forked: {exc.strerror}."}
    else:
        if pid == 0:
            _become_runner(control, ours, descriptors, str(request["name"]))
        answer = {"op": "spawned", "pid": pid}
    for descriptor in descriptors:
        os.close(descriptor)
    _tell(control, id=request["id"], **answer)
    return True


def _become_runner(control: socket.socket, ours: tuple[int, ...], descriptors: list[int], name: str) -> NoReturn:
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        control.close()
        for descriptor in ours:
            os.close(descriptor)
        os.setpgid(0, 0)  # so that whatever a model starts is ended with it
        connection, lifeline = descriptors
        tie_to(lifeline)
        _prctl(_PR_SET_NAME, ctypes.create_string_buffer(f"runner {name}".encode()[:15]))
        _prefer_for_oom()
        status = run(socket.socket(fileno=connection), name=name)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(status)


def _reap(control: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _tell(control, op="exited", pid=pid, status=status)


def _prefer_for_oom() -> None:
    """Let the kernel's OOM killer take a runner, which comes back, before the node."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:  # noqa: PTH123  # pathlib is not needed here
            file.write("500")
    except OSError:
        return


def _tell(control: socket.socket, **message: Any) -> None:
    try:
        control.send(msgpack.packb(message))
    except BrokenPipeError:
        return  # the owner is gone; the loop sees the end of file next


def _prctl(option: int, value: Any) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2] if len(sys.argv) > 2 else "")
