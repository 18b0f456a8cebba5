"""Keys killed and Redis taken away while clients go on: rows 29 and 33-36 of the attack list, under load."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from authgateway.conf import conf
from authgateway.denylist import cache
from authgateway.keys import ring
from authgateway.services.signing_keys import signing_key_kill
from authgateway.testing import make_user
from tests.authgateway.conftest import Login
from tests.authgateway.test_attack_redis_outage import Server, log_out, me, server
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
_ = server  # the fixture

CLIENTS = 4


@contextmanager
def load(work: Callable[[Counter[Any]], None]) -> Iterator[list[Counter[Any]]]:
    """Let clients repeat ``work`` until the block ends; yields what each has counted."""
    over = threading.Event()
    found = [Counter() for _ in range(CLIENTS)]

    def repeat(counts: Counter[Any]) -> None:
        while not over.is_set():
            work(counts)
        connection.close()

    threads = [threading.Thread(target=repeat, args=(counts,)) for counts in found]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        over.set()
        for thread in threads:
            thread.join()


def asked(found: list[Counter[Any]]) -> int:
    return sum(sum(counts.values()) for counts in found)


def wait_for_more(found: list[Counter[Any]], number: int) -> None:
    before = asked(found)
    eventually(lambda: asked(found) >= before + number, within=60)


def test_attack_29_a_killed_key_is_refused_under_load_within_seconds(login: Login, monkeypatch) -> None:
    """The ring of a process is trusted for two seconds; then no token of the killed key passes, and new ones do."""
    make_user("ada")
    stolen = login()
    ring.current()
    # Another process has done it: this one learns from the table alone.
    monkeypatch.setattr(ring, "reset", lambda: None)

    def work(counts: Counter[Any]) -> None:
        counts[me(stolen)] += 1

    with load(work) as found:
        wait_for_more(found, 20)
        signing_key_kill(kid=ring.signer().kid)
        monkeypatch.undo()
        eventually(lambda: me(stolen) == 401, within=conf.key_ring_seconds + 3)
        before = [counts.total() for counts in found]  # each may still be asking what it began to ask before
        eventually(lambda: all(counts.total() > at for counts, at in zip(found, before, strict=True)), within=60)
        for counts in found:
            counts.clear()
        wait_for_more(found, 20)
        assert set(sum(found, Counter())) <= {401}
    assert conf.key_ring_seconds <= 5
    assert me(login()) == 200


@pytest.mark.parametrize("how", ["killed", "hung", "flushed", "restarted empty"])
def test_attack_33_no_revoked_token_passes_while_redis_fails_under_load(server: Server, login: Login, how) -> None:
    make_user("ada")
    revoked, live = [login() for _ in range(3)], login()
    for pair in revoked:
        log_out(pair)

    def work(counts: Counter[Any]) -> None:
        for pair in revoked:
            counts["revoked", me(pair)] += 1
        counts["live", me(live)] += 1

    with load(work) as found:
        wait_for_more(found, 24)
        if how == "killed":
            server.kill()
        elif how == "hung":
            server.hang()
        elif how == "flushed":
            cache.connection().flushall()
        else:
            server.kill()
            server.start()
        wait_for_more(found, 60)
        late = login()
        log_out(late)
        assert me(late) == 401
        if how == "hung":
            server.go_on()
        elif how == "killed":
            server.start()
        wait_for_more(found, 40)
        assert me(late) == 401
    assert set(sum(found, Counter())) == {("revoked", 401), ("live", 200)}
