"""Reply channels: heard by the one who waits, gone by themselves."""

from __future__ import annotations

import threading

from altlas.kernel import replies
from altlas.kernel.redis import client


def test_a_reply_reaches_the_waiter_with_bytes_intact() -> None:
    reply_id = replies.new_reply_id()
    sender = threading.Timer(0.05, replies.send, [reply_id, {"data": b"\x00\xff", "n": 1}])
    sender.start()
    assert replies.receive(reply_id, timeout=5) == {"data": b"\x00\xff", "n": 1}
    sender.join()


def test_no_reply_is_none_after_the_wait() -> None:
    assert replies.receive(replies.new_reply_id(), timeout=0.05) is None


def test_a_reply_that_nobody_fetches_expires() -> None:
    reply_id = replies.new_reply_id()
    replies.send(reply_id, {}, ttl=30)
    assert 0 < int(client("broker").ttl("altlas:reply:" + reply_id)) <= 30  # type: ignore[arg-type]
