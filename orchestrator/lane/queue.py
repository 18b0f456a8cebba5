"""A node's list in Redis: for callers on other machines, and for all that has to wait. Deadlines on it are by Redis'
clock (``shared_time``)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import msgpack
import redis
from redis.client import Pipeline

from altlas.kernel import log_context, replies, request_id
from altlas.kernel.errors import Unavailable
from altlas.kernel.redis import client
from orchestrator.conf import conf
from orchestrator.exceptions import NodeUnavailable
from orchestrator.lane import shared_time
from orchestrator.lane.signs import Alive, Signs
from orchestrator.lane.slots import Slots

logger = logging.getLogger(__name__)
_PREFIX = "altlas:lane:"
_ORDERS = "altlas:orders:"
_KEPT_SECONDS = 120
_FIRST_SLICE, _SLICE = 0.25, 1.0
_FIRST_PAUSE = 0.05
_FULL = "The node has more requests than it can take; try again."
_AWAY = "The message broker cannot be reached; try again shortly."
# Adds a request; 0 when the list is full.
_PUSH = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call(ARGV[1], KEYS[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""


def ask(
    node: str, request: dict[str, Any], *, seconds: float, alive: Alive, urgent: bool = False
) -> dict[str, Any] | None:
    """Put ``request`` on the list of ``node`` and wait for the reply. As ``orchestrator.lane.ask``."""
    reply_id = replies.new_reply_id()
    body = _packed(request, reply_id, seconds)
    try:
        with client("broker").pipeline(transaction=False) as pipe:
            _push(pipe, _PREFIX + node, body, urgent=urgent)
            # In the same round trip: most replies are there before a second one would have begun.
            replies.await_in(pipe, reply_id, timeout=max(0.01, min(_FIRST_SLICE, seconds)))
            taken, found = pipe.execute()
        reply = replies.unpacked(found)
        if reply is not None:
            return reply
        if not taken:
            raise NodeUnavailable(_FULL, retry_after=1)
    except redis.RedisError as exc:
        raise Unavailable(_AWAY) from exc
    return hear(reply_id, until=time.monotonic() + seconds + 0.5, signs=Signs(node, alive))


def hear(reply_id: str, *, until: float, signs: Signs | None = None) -> dict[str, Any] | None:
    """Wait for a reply until ``until`` by the monotonic clock; None when none came.

    A Redis that is away for a moment costs nothing that a node has in hand.

    Raises:
        NodeUnavailable: by its ``signs`` the node has gone.
        Unavailable: Redis has been away when the time was over.
    """
    away: Unavailable | None = None
    pause = _FIRST_PAUSE
    while (left := until - time.monotonic()) > 0:
        try:
            reply = replies.receive(reply_id, timeout=min(_SLICE, left))
        except Unavailable as exc:
            away = exc
            time.sleep(min(pause, left))
            pause = min(2 * pause, _SLICE)
            continue
        away, pause = None, _FIRST_PAUSE
        if reply is not None:
            return reply
        if signs is not None and signs.gone():
            raise NodeUnavailable("The node went away with this request; try again.", retry_after=1)
    if away is not None:
        raise away
    return None


def order(node: str, request: dict[str, Any], *, seconds: float) -> str:
    """Put ``request`` on the list of what ``node`` is to do at once, which nothing else waits in; return the id under
    which its reply comes. Errors as by ``orchestrator.lane.ask``."""
    reply_id = replies.new_reply_id()
    body = _packed(request, reply_id, seconds)
    try:
        taken = _push(client("broker"), _ORDERS + node, body)
    except redis.RedisError as exc:
        raise Unavailable(_AWAY) from exc
    if not taken:
        raise NodeUnavailable(_FULL, retry_after=1)
    return reply_id


def _packed(request: dict[str, Any], reply_id: str, seconds: float) -> bytes:
    packed: bytes = msgpack.packb({**request, "reply_id": reply_id, "until": shared_time.now() + seconds})
    return packed


def _push(connection: redis.Redis | Pipeline, key: str, body: bytes, *, urgent: bool = False) -> Any:
    end = "LPUSH" if urgent else "RPUSH"
    return connection.eval(_PUSH, 1, key, end, body, conf.lane_queue, _KEPT_SECONDS)


def length(node: str) -> int:
    """Return how many requests wait on the lane of ``node``."""
    return int(client("broker").llen(_PREFIX + node))


class LaneReaders:
    """The node's end: threads that each take one request at a time and answer it.

    With ``orders`` they read what is to be done at once. ``serve`` finds in the request, as ``until``, its deadline by
    this process' monotonic clock.
    """

    def __init__(
        self,
        node: str,
        *,
        threads: int,
        serve: Callable[[dict[str, Any]], None],
        slots: Slots | None = None,
        orders: bool = False,
    ) -> None:
        self._key = (_ORDERS if orders else _PREFIX) + node
        self._slots = slots or Slots(threads)
        self._serve = serve
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, name=f"{'orders' if orders else 'lane'}-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self, *, within: float = 5.0) -> None:
        """Take no more; what is under way is finished."""
        self._over.set()
        end = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                found = client("broker").blpop([self._key], timeout=_SLICE)
            except redis.RedisError:
                # Redis is away: its callers are told so by their own side.
                self._over.wait(0.5)
                continue
            if found is not None:
                self._take(bytes(found[1]))  # type: ignore[arg-type]  # the client does not decode

    def _take(self, body: bytes) -> None:
        try:
            request: dict[str, Any] = msgpack.unpackb(body, raw=False)
            request["until"] = shared_time.monotonic(request["until"])
            self._slots.take()
            try:
                if request["until"] > time.monotonic():
                    with request_id.bound(str(request.get("request_id", ""))), log_context.scope():
                        self._serve(request)
            finally:
                self._slots.give_back()
        except Exception:  # one bad request must not end a reader
            logger.exception("a request on the lane met a defect")
