"""The denylist without Redis, with a hung, emptied or evicting one: rows 33-36 of the attack list."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import OperationalError
from rest_framework.test import APIClient

from altlas.kernel.clock import now
from authgateway.conf import Conf, conf
from authgateway.denylist import cache, gate
from authgateway.denylist.breaker import Breaker
from authgateway.models import Denial, Family, SecurityEvent, User
from tests.authgateway.conftest import Login, auth
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


class Server:
    """A Redis of our own, to be killed, stopped and emptied."""

    def __init__(self, folder: Path) -> None:
        self.socket = f"/tmp/altlas-{os.getpid()}-{folder.name[-8:]}.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = Path(sys.executable).with_name("redis-server")
        command = [str(binary), "--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        eventually(self.answers, within=10)

    def answers(self) -> bool:
        try:
            return bool(redis.Redis(unix_socket_path=self.socket).ping())
        except redis.RedisError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        Path(self.socket).unlink(missing_ok=True)

    def hang(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def server(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    own = Server(tmp_path)
    own.start()
    settings.REDIS_URLS = {**settings.REDIS_URLS, "security": f"unix://{own.socket}?db=0"}
    monkeypatch.setattr(cache, "breaker", Breaker(failures=3, seconds=0.5))
    # Ten times the product's patience: on a busy machine a slow answer is not an outage.
    monkeypatch.setattr(conf, "denylist_timeout", 0.5)
    cache.connection.cache_clear()
    yield own
    cache.connection().connection_pool.disconnect()
    cache.connection.cache_clear()
    own.kill()


@pytest.fixture
def user() -> User:
    from authgateway.testing import make_user

    return make_user("ada")


def me(pair: dict[str, Any]) -> int:
    return APIClient().get("/api/v1/auth/me", headers=auth(pair)).status_code


def log_out(pair: dict[str, Any]) -> None:
    assert APIClient().post("/api/v1/auth/logout", headers=auth(pair)).status_code == 204


def redis_denies(pair_sid: str) -> bool:
    return cache.connection().get(cache.key("sid", pair_sid)) is not None


def test_a_denial_is_in_redis_when_the_logout_is_answered(server, user, login: Login) -> None:
    pair = login()
    log_out(pair)
    entry = Denial.objects.get()
    assert redis_denies(entry.value)
    ttl = cache.connection().ttl(cache.key("sid", entry.value))
    assert 600 <= ttl <= 640


def test_redis_refuses_without_asking_the_database(server, user, login: Login, django_assert_num_queries) -> None:
    pair = login()
    me(pair)
    log_out(pair)
    from authgateway.authentication import verify

    claims = verify(pair["access"])
    with django_assert_num_queries(0):
        assert gate.holder(claims) is None


def test_redis_is_asked_once_a_second_about_a_token_and_the_database_always(
    server, user, login: Login, monkeypatch
) -> None:
    monkeypatch.setattr(conf, "denylist_pass_seconds", 3600)  # a slow machine must not turn a second into two
    pair = login()
    me(pair)
    asked: list[Any] = []
    original = redis.Redis.mget
    monkeypatch.setattr(redis.Redis, "mget", lambda self, *args: asked.append(1) or original(self, *args))
    assert [me(pair) for _ in range(3)] == [200] * 3
    assert asked == []
    # Denied by another process: this one hears of it from the database, with the very next request.
    sid = Family.objects.get().pk
    Denial.objects.create(kind="sid", value=str(sid), reason="logout", expires_at=now() + timedelta(minutes=5))
    assert me(pair) == 401
    assert asked == []


@pytest.mark.parametrize("how", ["killed", "hung"])
def test_attack_33_redis_away(server, user, login: Login, how) -> None:
    before, live = login(), login()
    log_out(before)
    server.kill() if how == "killed" else server.hang()
    assert (me(before), me(live)) == (401, 200)
    during = login()
    log_out(during)
    assert me(during) == 401
    assert APIClient().post("/api/v1/auth/token/refresh", {"refresh": live["refresh"]}).status_code == 200
    event = SecurityEvent.objects.get(kind="denylist_degraded")
    assert event.severity == "high"
    if how == "hung":
        server.go_on()
    else:
        server.start()
    assert [me(before), me(during), me(live)] == [401, 401, 200]


def test_attack_34_redis_and_database_away(server, user, login: Login, monkeypatch) -> None:
    pair = login()
    server.kill()

    def away(claims: Any) -> Any:
        raise OperationalError("the database is away")

    monkeypatch.setattr(gate, "_holder", away)
    answer = APIClient().get("/api/v1/auth/me", headers=auth(pair))
    assert (answer.status_code, answer.json()["code"]) == (503, "revocation_unavailable")
    assert int(answer["Retry-After"]) >= 1
    forward = APIClient().get("/api/v1/auth/verify", headers=auth(pair))
    assert (forward.status_code, forward.json()["code"]) == (403, "revocation_unavailable")


def test_attack_35_redis_flushed(server, user, login: Login) -> None:
    pair, live = login(), login()
    log_out(pair)
    cache.connection().flushall()
    assert (me(pair), me(live)) == (401, 200)
    assert redis_denies(Denial.objects.get().value)  # loaded again from the database


def test_attack_35_redis_restarted_empty(server, user, login: Login) -> None:
    pair, live = login(), login()
    log_out(pair)
    server.kill()
    server.start()
    assert (me(pair), me(live)) == (401, 200)
    eventually(lambda: me(pair) == 401 and redis_denies(Denial.objects.get().value), within=5)


def test_attack_35_a_single_entry_evicted(server, user, login: Login) -> None:
    pair = login()
    log_out(pair)
    me(pair)
    cache.connection().delete(cache.key("sid", Denial.objects.get().value))
    assert me(pair) == 401


def test_attack_35_an_evicting_redis_is_not_ready(server) -> None:
    cache.check_eviction()
    cache.connection().config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(RuntimeError, match="noeviction"):
        cache.check_eviction()


def test_attack_36_a_hung_redis_is_left_alone(server, user, login: Login, monkeypatch) -> None:
    monkeypatch.setattr(cache, "breaker", Breaker(failures=3, seconds=60))
    pair = login()
    server.hang()
    asked: list[Any] = []
    original = redis.Redis.mget
    monkeypatch.setattr(redis.Redis, "mget", lambda self, *args: asked.append(1) or original(self, *args))
    assert [me(pair) for _ in range(20)] == [200] * 20
    assert len(asked) == 3
    assert Conf().denylist_timeout <= 0.05
    server.go_on()


def test_loading_is_not_sealed_when_redis_is_flushed_meanwhile(server, user, login: Login, monkeypatch) -> None:
    log_out(login())
    cache.connection().flushall()
    original = cache.put

    def flush_after_writing(entries: Any) -> None:
        original(entries)
        cache.connection().flushall()

    monkeypatch.setattr(cache, "put", flush_after_writing)
    assert cache.rehydrate() is False
    assert cache.connection().get("altlas:deny:sentinel") is None


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_breaker_opens_tries_once_and_closes() -> None:
    clock = Clock()
    breaker = Breaker(failures=2, seconds=5, clock=clock)
    assert breaker.failed() is False
    assert breaker.allows()
    assert breaker.failed() is True
    assert not breaker.allows()
    clock.now += 5
    assert breaker.allows()
    assert not breaker.allows()  # one trial at a time
    breaker.succeeded()
    assert breaker.allows()
