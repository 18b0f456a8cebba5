"""Sharing the engines: whoever needs them holds them, the last holder stops them.

A hold is a shared ``flock``, so a holder that dies by any cause lets go; there is no count that could be wrong.
Starting and stopping happen under a second, exclusive lock.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from altlas.engines.layout import Home
from altlas.engines.postgres import Postgres
from altlas.engines.redis_server import RedisServer


@contextmanager
def hold(home: Home, *, postgres: bool = True, redis: bool = True, settings: Sequence[str] = ()) -> Iterator[Home]:
    """Keep the embedded engines of ``home`` running inside the block.

    ``settings`` are extra ``name=value`` pairs for a PostgreSQL server that this call starts.

    Raises:
        EngineFailed, CannotDropRoot, HomeUnusable: what is wrong and what to do.
    """
    home.create()
    engines: list[Postgres | RedisServer] = [
        *([Postgres(home, settings=settings)] if postgres else []),
        *([RedisServer(home)] if redis else []),
    ]
    holding = _open(home.locks / "hold.lock")
    try:
        with _exclusive(home.locks / "start.lock"):
            fcntl.flock(holding, fcntl.LOCK_SH)
            for engine in engines:
                engine.ensure_running()
        yield home
    finally:
        with _exclusive(home.locks / "start.lock"):
            fcntl.flock(holding, fcntl.LOCK_UN)
            try:
                fcntl.flock(holding, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # somebody else still needs them
            else:
                # Also those this holder did not ask for: nobody is left who could stop them.
                for engine in (*engines, Postgres(home), RedisServer(home)):
                    engine.stop()
                home.remove_sockets()
            finally:
                os.close(holding)


def revive(home: Home, *, postgres: bool = True, redis: bool = True, settings: Sequence[str] = ()) -> list[str]:
    """Start again what died under a holder; return the names of what was started.

    Raises:
        EngineFailed: it could not be started.
    """
    revived = []
    for wanted, engine in ((postgres, Postgres(home, settings=settings)), (redis, RedisServer(home))):
        if wanted and engine.process.running() is None:
            with _exclusive(home.locks / "start.lock"):
                engine.ensure_running()
            revived.append(engine.process.name)
    return revived


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
