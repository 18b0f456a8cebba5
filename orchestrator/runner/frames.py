"""Frames: length-prefixed msgpack messages over a stream socket."""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from typing import Any

import msgpack

_LENGTH = struct.Struct("<I")
# A frame holds one request or one answer; both are bounded well below this by the callers.
MAX_FRAME = 512 * 2**20


class FrameError(Exception):
    """The stream is out of step; nothing that follows can be trusted."""


def pack(message: dict[str, Any]) -> bytes:
    body: bytes = msgpack.packb(message, use_bin_type=True)
    return _LENGTH.pack(len(body)) + body


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Write one message; callers on the same socket take turns."""
    connection.sendall(pack(message))


def send_within(connection: socket.socket, frame: memoryview, *, seconds: float) -> memoryview:
    """Write what a peer that may have stopped reading takes of ``frame`` within ``seconds``, and return the rest.

    The socket's own timeout, which is its reader's, stays.
    """
    until = time.monotonic() + seconds
    while frame:
        try:
            frame = frame[connection.send(frame, socket.MSG_DONTWAIT) :]
        except BlockingIOError:
            if not _writable(connection, max(0.0, until - time.monotonic())):
                break
    return frame


def _writable(connection: socket.socket, seconds: float) -> bool:
    number = connection.fileno()
    if number < 0:
        raise OSError(errno.EBADF, "the socket was closed meanwhile")
    ready = select.poll()
    ready.register(number, select.POLLOUT)
    return bool(ready.poll(seconds * 1000))


def receive(connection: socket.socket) -> dict[str, Any] | None:
    """Read one message; None when the peer has closed.

    Raises:
        FrameError: the length is impossible, or the peer closed in the middle of a frame.
    """
    head = _exactly(connection, _LENGTH.size)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_FRAME:
        raise FrameError(f"a frame of {length} bytes is refused")
    body = _exactly(connection, length)
    if body is None:
        raise FrameError("closed in the middle of a frame")
    message: dict[str, Any] = msgpack.unpackb(body, raw=False, strict_map_key=False)
    return message


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    buffer = bytearray(size)
    view = memoryview(buffer)
    done = 0
    while done < size:
        try:
            count = connection.recv_into(view[done:])
        except ConnectionResetError:
            count = 0
        if count == 0:
            if done:
                raise FrameError("closed in the middle of a frame")
            return None
        done += count
    return bytes(buffer)
