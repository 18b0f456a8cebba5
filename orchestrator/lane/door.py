"""A node's door: a Unix socket for callers on its own machine, for requests that need not wait.

A request takes one hop instead of the four through Redis. Nothing queues here: a node whose slots are all taken says
so at once, and the caller goes to the list in Redis, where order, priority and the bound on what waits are kept.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from altlas.engines.conf import HOME
from altlas.kernel import log_context, request_id
from orchestrator.exceptions import NodeUnavailable
from orchestrator.lane.signs import Alive, Signs
from orchestrator.lane.slots import Slots
from orchestrator.runner import frames

logger = logging.getLogger(__name__)
Send = Callable[[dict[str, Any]], None]
_SLICE: Final = 1.0
_FRAME_SECONDS: Final = 10.0  # for the rest of a frame whose beginning is there
_SLACK: Final = 0.5  # a node answers before the deadline or not at all; this is for the way back
_NOTHING_LEFT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE: Final = 0.2
_BUSY: Final = {"busy": True}
_kept: defaultdict[str, list[socket.socket]] = defaultdict(list)
# A connection belongs to one process: a child's request must not be answered to its parent.
os.register_at_fork(after_in_child=_kept.clear)


class NotTaken(Exception):
    """Nobody behind the door has taken the request: there is no door here, or the node is busy."""


def folder() -> Path:
    return HOME.path / "run" / "doors"


def ask(node: str, request: dict[str, Any], *, seconds: float, alive: Alive) -> dict[str, Any] | None:
    """Have ``node`` answer ``request`` now; None when no answer came within ``seconds``.

    Raises:
        NotTaken: it is as if nobody had asked.
        NodeUnavailable: the node has gone and may have had the request.
    """
    connection = _idle(node) or _connected(node)
    try:
        frames.send(connection, request)
    except OSError:  # less than a whole frame is no request
        connection.close()
        raise NotTaken from None
    try:
        reply = _awaited(connection, Signs(node, alive), time.monotonic() + seconds + _SLACK)
    except BaseException:
        connection.close()
        raise
    if reply is None:
        connection.close()  # its answer would be taken for that of the next request
        return None
    _kept[node].append(connection)
    if reply == _BUSY:
        raise NotTaken
    return reply


def _idle(node: str) -> socket.socket | None:
    kept = _kept[node]
    while kept:
        try:
            connection = kept.pop()
        except IndexError:  # another thread was quicker
            return None
        if not _readable(connection, 0.0):
            return connection
        connection.close()  # nothing is owed to us: it has ended
    return None


def _connected(node: str) -> socket.socket:
    try:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    except OSError:  # no descriptor is left; to Redis there may be a connection already
        raise NotTaken from None
    connection.settimeout(_FRAME_SECONDS)
    try:
        with _address(node) as address:
            connection.connect(address)
    except OSError:
        connection.close()
        raise NotTaken from None
    return connection


def _awaited(connection: socket.socket, signs: Signs, end: float) -> dict[str, Any] | None:
    while (left := end - time.monotonic()) > 0:
        if _readable(connection, min(_SLICE, left)):
            try:
                reply = frames.receive(connection)
            except (OSError, frames.FrameError):
                reply = None
            if reply is None:
                raise NodeUnavailable("The node went away with this request; try again.", retry_after=1)
            return reply
        if signs.gone():
            raise NodeUnavailable("The node went away with this request; try again.", retry_after=1)
    return None


def _readable(connection: socket.socket, seconds: float) -> bool:
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


@contextmanager
def _address(node: str) -> Iterator[str]:
    """Yield a name for the door's socket that is short enough for the kernel, however long the folder's path is."""
    directory = os.open(folder(), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{node}"
    finally:
        os.close(directory)


class Door:
    """The node's end. ``serve`` gets a request, with its deadline by the monotonic clock as ``until``, and a function
    that sends the one reply to it."""

    def __init__(self, node: str, *, slots: Slots, threads: int, serve: Callable[[dict[str, Any], Send], None]) -> None:
        self._node = node
        self._slots = slots
        self._serve = serve
        self._over = threading.Event()
        self._listener: socket.socket | None = None
        self._open: dict[int, socket.socket] = {}
        self._events = select.epoll()
        # One more than can be at work, so that there is always one to say that all are.
        self._threads = [
            threading.Thread(target=self._run, name=f"door-{number}", daemon=True) for number in range(threads + 1)
        ]

    def start(self) -> None:
        """Open the door; without one, which is logged, all requests come over Redis."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            folder().mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder() / self._node).unlink(missing_ok=True)  # of a process that was killed
            with _address(self._node) as address:
                listener.bind(address)
            listener.listen(128)
        except OSError as exc:
            listener.close()
            logger.warning("this node has no door; its requests come over Redis: %s", exc)
            return
        self._listener = listener
        self._events.register(listener, select.EPOLLIN)
        for thread in self._threads:
            thread.start()

    def stop(self, *, within: float = 5.0) -> None:
        """Take no more; what is under way is finished."""
        self._over.set()
        if self._listener is None:
            return
        with suppress(OSError):
            (folder() / self._node).unlink(missing_ok=True)
        end = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        for connection in [self._listener, *self._open.values()]:
            connection.close()

    def _run(self) -> None:
        while not self._over.is_set():
            for number, _ in self._events.poll(_SLICE, maxevents=1):
                if self._listener is not None and number == self._listener.fileno():
                    self._accept(self._listener)
                else:
                    self._take(number)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError as exc:  # another thread was quicker, or the caller has gone again
            if exc.errno in _NOTHING_LEFT:
                self._over.wait(_PAUSE)  # it goes on knocking: without a pause all threads would turn for it
            return
        connection.settimeout(_FRAME_SECONDS)
        self._open[connection.fileno()] = connection
        # One thread at a time: it is armed again when its request has been answered.
        self._events.register(connection, select.EPOLLIN | select.EPOLLONESHOT)

    def _take(self, number: int) -> None:
        connection = self._open[number]
        try:
            request = frames.receive(connection)
            if request is None:
                return self._drop(number)
            self._answer(connection, request)
            self._events.modify(number, select.EPOLLIN | select.EPOLLONESHOT)
        except (OSError, frames.FrameError):  # the caller has gone
            self._drop(number)
        except Exception:  # one bad request must not end a thread
            logger.exception("a request at the door met a defect")
            self._drop(number)

    def _answer(self, connection: socket.socket, request: dict[str, Any]) -> None:
        def send(reply: dict[str, Any]) -> None:
            frames.send(connection, reply)

        if not self._slots.take_free():
            return send(_BUSY)
        try:
            with request_id.bound(str(request.get("request_id", ""))), log_context.scope():
                # By this machine's own clock from now on: a request comes through the door in no time.
                self._serve({**request, "until": time.monotonic() + request["seconds"]}, send)
        finally:
            self._slots.give_back()

    def _drop(self, number: int) -> None:
        connection = self._open.pop(number, None)
        if connection is not None:
            connection.close()  # which takes it out of the events, too
