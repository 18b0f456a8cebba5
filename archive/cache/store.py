"""Reading through the cache: hit, early refresh, single flight on a miss, and a bypass when Redis is away."""

from __future__ import annotations

import hashlib
import random
import secrets
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from django.db import connection as database

from archive.cache import connection, generations
from archive.cache.entry import Entry, Rendered, lifetime
from archive.conf import conf
from archive.metrics import CACHE_BYTES, CACHE_READS, CACHE_SAVED

_POLL = 0.01
# A flight that takes longer is taken over by somebody else.
_FLIGHT_MS = 5_000
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"

Render = Callable[[], Rendered]


def rendered(*, route: str, owner_id: UUID | None, parts: Sequence[str], render: Render) -> Rendered:
    """Return the answer to ``parts``, from the cache when it is still good, else from ``render``.

    Inside of a transaction the cache is left alone: what the transaction has written is nobody else's yet.
    """
    if database.in_atomic_block or not connection.usable() or not generations.settle():
        return _fresh(route, "bypass", render)
    generation_name = generations.name_of(owner_id)
    key = _key(route, generation_name, parts)
    # The generation is read before the database, so a write in between makes what is stored stale at once.
    read = connection.attempt(lambda redis: redis.mget(generation_name, key))
    if read is None:
        return _fresh(route, "bypass", render)
    generation, raw = read
    entry = _good(raw, generation)
    if entry is not None:
        if not entry.due(now=time.time(), dice=1 - random.random()):  # noqa: S311  # a lottery, not a secret
            return _hit(route, "hit", entry)
        if not (token := _take_off(key)):
            return _hit(route, "hit", entry)
        return _make(route, "early", key, entry.generation, token, render)
    if generation is None:
        generation = connection.attempt(lambda redis: generations.begin(redis, generation_name))
        if generation is None:
            return _fresh(route, "bypass", render)
    token = _take_off(key)
    if token and (landed := _landed(key, generation, token)) is not None:
        return _hit(route, "wait", landed)
    if not token and (landed := _wait(key, generation)) is not None:
        return _hit(route, "wait", landed)
    return _make(route, "miss", key, generation, token, render)


def _key(route: str, generation_name: str, parts: Sequence[str]) -> str:
    digest = hashlib.blake2b("\0".join([generation_name, *parts]).encode(), digest_size=16).hexdigest()
    return f"archive:{route}:{digest}"


def _good(raw: bytes | None, generation: bytes | None) -> Entry | None:
    entry = Entry.unpack(raw) if raw is not None and generation is not None else None
    return entry if entry is not None and entry.generation == generation else None


def _take_off(key: str) -> str:
    """Return a token when this caller is the one that makes the answer, else an empty text."""
    token = secrets.token_hex(8)
    taken = connection.attempt(lambda redis: redis.set(f"{key}:flight", token, nx=True, px=_FLIGHT_MS))
    return token if taken else ""


def _landed(key: str, generation: bytes, token: str) -> Entry | None:
    """Return the answer of a flight that ended between this caller's look and its own start, which is then no start."""
    entry = _good(connection.attempt(lambda redis: redis.get(key)), generation)
    if entry is not None:
        _land(key, token)
    return entry


def _land(key: str, token: str) -> None:
    connection.attempt(lambda redis: redis.eval(_RELEASE, 1, f"{key}:flight", token))


def _wait(key: str, generation: bytes) -> Entry | None:
    """Wait for the answer that another caller is making; None when it does not come."""
    deadline = time.monotonic() + conf.cache_wait
    while time.monotonic() < deadline and connection.usable():
        time.sleep(_POLL)
        read = connection.attempt(lambda redis: redis.mget(key, f"{key}:flight"))
        if read is None:
            return None
        if (entry := _good(read[0], generation)) is not None:
            return entry
        if read[1] is None:
            return None
    return None


def _make(route: str, outcome: str, key: str, generation: bytes, token: str, render: Render) -> Rendered:
    begin = time.perf_counter()
    try:
        answer = _fresh(route, outcome, render)
        if len(answer.body) <= conf.cache_max_value:
            ttl = lifetime(conf.cache_ttl, dice=random.random())  # noqa: S311  # spreads expiries
            entry = Entry(
                generation=generation,
                expires=time.time() + ttl,
                delta=time.perf_counter() - begin,
                answer=answer,
            )
            packed = entry.pack()
            CACHE_BYTES.labels(route).inc(len(packed))
            connection.attempt(lambda redis: redis.set(key, packed, px=int(ttl * 1000)))
        return answer
    finally:
        if token:
            _land(key, token)


def _fresh(route: str, outcome: str, render: Render) -> Rendered:
    CACHE_READS.labels(route, outcome).inc()
    return render()


def _hit(route: str, outcome: str, entry: Entry) -> Rendered:
    CACHE_READS.labels(route, outcome).inc()
    CACHE_SAVED.labels(route).inc(entry.delta)
    return entry.answer
