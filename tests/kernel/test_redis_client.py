"""One Redis client for each role and process, whoever comes first."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import redis

from altlas.kernel import redis as clients
from altlas.kernel.once import Once


def test_threads_that_come_first_together_share_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that nobody keeps disconnects its pool when it goes, under the command that is waiting on it."""
    real, found = redis.Redis.from_url, list[Any]()
    monkeypatch.setattr(clients, "client", Once(clients.client._make))

    def slowly(*given: Any, **named: Any) -> redis.Redis:
        time.sleep(0.05)
        made: redis.Redis = real(*given, **named)
        return made

    monkeypatch.setattr(redis.Redis, "from_url", slowly)
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        with clients.client("broker").pipeline(transaction=False) as pipe:
            pipe.blpop(["nobody-pushes-here"], timeout=0.2)
            found.append(pipe.execute())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[None]] * 8
